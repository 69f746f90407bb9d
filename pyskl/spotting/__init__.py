"""From class scores along a recording to segments: windows, scores, thresholds, files of rows."""
