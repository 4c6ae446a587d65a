"""Two versions of the code against each other, measured in turn in one sitting: `compare --ab`."""
