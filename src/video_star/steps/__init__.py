"""The steps of the loop; STEPS in `video_star.runner` is the one list of them."""
