"""What several systems share: their encoders, their two heads, and the layers between."""
