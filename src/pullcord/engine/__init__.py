"""What runs Pullcord: every act through the desk, every read through the views, time and mail."""
