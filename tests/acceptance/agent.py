"""An agent on the public SDK: `park` stops at a refund, `resume` goes on in another process.

`wait` stops at a refund and waits for as long as it takes.
"""

import sys
from pathlib import Path

from pullcord import EndUser, Parked, Pullcord

cord = Pullcord()
bank = Path(sys.argv[2])


@cord.guard(wait=None if sys.argv[1] == "wait" else "0s")
def issue_refund(order: str, amount: float) -> str:
    """Send money: one line in the bank's book each time it really runs."""
    with bank.open("a", encoding="utf-8") as book:
        book.write(f"{order} {amount:.2f}\n")
    return f"refunded {amount:.2f} for {order}"


if sys.argv[1] == "park":
    messages = [{"role": "user", "content": "You charged me twice."}]
    with cord.run("thread-41", end_user=EndUser("u_7", name="Anna"), messages=messages):
        try:
            issue_refund("A-17", 480.0)
        except Parked as parked:
            print("parked", parked.escalation, parked.for_user)
elif sys.argv[1] == "wait":
    print("waits")
    print("went on:", issue_refund("A-17", 480.0))
else:
    for decision in cord.decisions():
        print("resumed", cord.resume(decision))
