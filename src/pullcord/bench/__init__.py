"""What `pullcord bench` measures: ratios against a floor in the same run, no absolute promise."""
