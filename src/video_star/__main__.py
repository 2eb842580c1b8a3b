"""`python -m video_star` is `video-star`."""

from video_star.cli.main import main

main()
