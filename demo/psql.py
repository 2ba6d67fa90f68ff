"""psql as a process that takes one statement after another and says how long each took (its own \\timing)."""

import re
import subprocess

END = "-- end --"


class PsqlError(Exception):
    pass


class Psql:
    def __init__(self, url):
        # psql writes whole blocks into a pipe; stdbuf makes that lines, so that each answer comes at once.
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "psql", "--no-psqlrc", "--no-align", "--tuples-only", "--dbname", url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.send("\\set VERBOSITY verbose\n\\timing on\n")

    def send(self, text):
        """(lines, milliseconds) of everything that psql printed for it. Raises PsqlError with the first error line."""
        try:
            self.process.stdin.write(f"{text}\n\\echo {END}\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise PsqlError("psql has ended") from error
        lines, milliseconds, first_error = [], 0.0, None
        for line in self.process.stdout:
            line = line.rstrip("\n")
            if line == END:
                break
            timing = re.match(r"Time: ([\d.]+) ms", line)
            if timing:
                milliseconds += float(timing.group(1))
            elif re.search(r"\b(ERROR|FATAL|PANIC):|^psql: error", line):
                first_error = first_error or line
            else:
                lines.append(line)
        else:
            raise PsqlError(first_error or "psql has ended")
        if first_error:
            raise PsqlError(first_error)
        return lines, milliseconds

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
