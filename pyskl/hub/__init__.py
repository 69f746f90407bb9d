"""Trained networks as folders that others can use, on this machine or on the Hugging Face Hub."""

from .card import About
from .folder import from_pretrained, save_pretrained
from .remote import push_to_hub

__all__ = ['About', 'from_pretrained', 'push_to_hub', 'save_pretrained']
