"""`python -m video_star` is `video-star`."""

from video_star.cli import main

main()
