"""What a process that checks answers needs: importing this loads it, once for all of them."""

import contextlib
import io

from ddpm_course.classroom import checker
from ddpm_course.proofs.workbook.code import cases
from ddpm_course.proofs.workbook.kinds import derivation

with contextlib.chdir(checker.OWN), contextlib.redirect_stdout(io.StringIO()):
    for chapter in "07_ddim", "22_flow_matching":
        derivation(chapter)
cases()
