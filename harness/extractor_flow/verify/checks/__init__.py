"""What every run is held to, whatever its flow."""
