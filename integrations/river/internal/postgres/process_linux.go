package postgres

import "os/exec"

// dieWithParent ends the server when a test that is killed ends.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = immediateShutdown }
