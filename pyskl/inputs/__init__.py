"""What a network takes. Data sets and models meet only here."""
