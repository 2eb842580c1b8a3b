"""Videos to frames: decoding and the frame cache."""
