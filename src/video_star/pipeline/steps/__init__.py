"""The steps of the loop; STEPS in `video_star.pipeline.runner` is the one list of them."""
