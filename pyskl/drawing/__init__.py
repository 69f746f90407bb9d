"""Pictures of clips, heatmaps, pipelines, skeleton layouts and graphs."""
