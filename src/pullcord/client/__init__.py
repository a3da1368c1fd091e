"""The SDK for agents: a call is stopped, people are asked, exactly what they decide is done."""
