"""Training: the only place with torch, xgboost and stable-baselines3; nothing outside imports it eagerly."""
