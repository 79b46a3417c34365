"""Fine-tunes a transformer on labelled appeals, and pools its heads with those of words."""
