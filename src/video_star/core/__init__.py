"""What every room uses: records, labels, parameters, paths, errors."""
