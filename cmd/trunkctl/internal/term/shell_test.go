package term

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShellLine(t *testing.T) {
	t.Parallel()
	got := ShellLine("trunkctl", "import", "it's mine.csv", "--name=", "", "+12", "a$b")
	out, err := exec.CommandContext(t.Context(), "bash", "-c", "printf '<%s>' "+got).Output()
	require.NoError(t, err)
	require.Equal(t, "<trunkctl><import><it's mine.csv><--name=><><+12><a$b>", string(out))
}
