"""What differs between families of video-language models."""
