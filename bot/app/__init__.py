"""From settings to a running bot."""
