package postgres

import "syscall"

// dieWithParent keeps a server from outliving a test that is killed.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
