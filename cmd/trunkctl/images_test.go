package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// TestImages: the images of README.md show what the commands print. -update draws them again.
func TestImages(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	uuids := f.named("Front desk", "Sales", "Night line", "Spare line")
	f.file("first.csv", "phone_number,channel,agent,name\n+12025550100,call,Front desk,Reception\n+12025550101,call,Sales,Sales line\n")
	f.file("numbers.csv", "phone_number,channel,agent,name\n+12025550101,call,Night line,Sales line\n+12025550110,call,Sales,\n+12025550111,call,Front desk,Spare\n")
	f.file("sync.csv", "phone_number,channel,agent,name\n+12025550100,call,Front desk,Reception desk\n+12025550101,call,Spare line,Sales line\n")
	for _, screen := range []struct {
		image   string // "" draws none
		command string
		code    int
	}{
		{"", "trunkctl sync first.csv --yes --workers 1", 0},
		{"agents", "trunkctl agents", 0},
		{"list", "trunkctl list", 0},
		{"plan", "trunkctl import numbers.csv --dry-run", exitPartial},
		{"sync", "trunkctl sync sync.csv --prune --scope channel=call --dry-run", 0},
		{"import", "trunkctl import numbers.csv --yes --workers 1", exitPartial},
		{"log", "trunkctl log show last", 0},
	} {
		cmd := f.process(strings.Fields(screen.command)[1:]...)
		cmd.Env = append(cmd.Env, envStateKey+"="+stateKeyOfTests)
		window := startTerminal(t, cmd, pty.Winsize{Rows: 50, Cols: 80})
		_ = cmd.Wait() // the code says more
		window.read.Wait()
		out := redrawn.ReplaceAllString(strings.ReplaceAll(window.shown(), "\r\n", "\n"), "")
		require.Equal(t, screen.code, cmd.ProcessState.ExitCode(), "%s: %s", screen.command, out)
		if screen.image == "" {
			continue
		}
		text := strings.NewReplacer(f.URL(), "acme", uuids[0], "3c90c3cc-0d44-4b50-8888-000000000001").Replace(out)
		text = regexp.MustCompile(`[0-9a-f]{24}`).ReplaceAllString(text, "6a0d2f5780fc184e2c63303d")
		text = regexp.MustCompile(`in \d+s`).ReplaceAllString(text, "in 1s")
		text = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).ReplaceAllString(text, "2026-01-02 03:04:05")
		path := filepath.Join("images", screen.image+".svg")
		drawn := drawing(screen.command, text)
		if *update {
			require.NoError(t, os.MkdirAll("images", 0o755))
			require.NoError(t, os.WriteFile(path, []byte(drawn), 0o600))
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(content), drawn, "-update draws it again")
	}
}

// styled matches what a style of the program begins and ends with.
var styled = regexp.MustCompile("\x1b\\[(1|1;31)m(.*?)\x1b\\[0?m")

// drawing returns a screen as SVG, which follows the light or dark theme of the reader.
func drawing(command, text string) string {
	const charWidth, lineHeight, margin = 8.4, 20, 14
	lines := append([]string{"$ " + command}, strings.Split(strings.TrimRight(text, "\n"), "\n")...)
	width := 0
	for _, line := range lines {
		width = max(width, len([]rune(styled.ReplaceAllString(line, "$2"))))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" role="img" aria-label="%s">`+"\n",
		float64(width)*charWidth+2*margin, len(lines)*lineHeight+2*margin, escapedXML(command))
	b.WriteString(`<style>
rect { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328; font: 14px ui-monospace, Menlo, Consolas, monospace; white-space: pre }
.b { font-weight: bold } .r { font-weight: bold; fill: #b3261e }
@media (prefers-color-scheme: dark) { rect { fill: #0d1117; stroke: #30363d } text { fill: #e6edf3 } .r { fill: #ff7b72 } }
</style>
<rect x="0.5" y="0.5" width="99.9%" height="99.9%" rx="6"/>
`)
	for i, line := range lines {
		marked := styled.ReplaceAllStringFunc(escapedXML(line), func(part string) string {
			found := styled.FindStringSubmatch(part)
			return `<tspan class="` + map[string]string{"1": "b", "1;31": "r"}[found[1]] + `">` + found[2] + "</tspan>"
		})
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">%s</text>`+"\n", margin, margin+(i+1)*lineHeight-5, marked)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// escapedXML returns text for XML, with the escapes of styles as they are.
func escapedXML(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(strings.ReplaceAll(text, "\x1b", "\ue000")))
	return strings.ReplaceAll(b.String(), "\ue000", "\x1b")
}

// colorsOf matches the colors of a drawing: those of the page, of text and of what is refused.
var colorsOf = regexp.MustCompile(`rect \{ fill: (#\w+).*? text \{ fill: (#\w+)(?s:.*?)\.r \{ (?:font-weight: bold; )?fill: (#\w+)`)

// TestImagesAreLegible: each color of an image has enough contrast on its page, light and dark, by the
// formula of the Web Content Accessibility Guidelines, and the files are small.
func TestImagesAreLegible(t *testing.T) {
	t.Parallel()
	drawn := drawing("trunkctl", "x")
	themes := colorsOf.FindAllStringSubmatch(drawn, -1)
	require.Len(t, themes, 2, "light and dark")
	for _, theme := range themes {
		for _, color := range theme[2:] {
			const enough = 4.5
			page, ink := luminance(t, theme[1]), luminance(t, color)
			require.Greater(t, (max(page, ink)+0.05)/(min(page, ink)+0.05), enough, "%s on %s", color, theme[1])
		}
	}
	images, err := filepath.Glob("images/*.svg")
	require.NoError(t, err)
	require.Len(t, images, 6)
	for _, image := range images {
		info, err := os.Stat(image)
		require.NoError(t, err)
		require.Less(t, info.Size(), int64(8<<10), image)
	}
}

// luminance returns the relative luminance of a color such as #ffffff.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	value, err := strconv.ParseUint(color[1:], 16, 24)
	require.NoError(t, err)
	sum := 0.0
	for shift, weight := range map[int]float64{16: 0.2126, 8: 0.7152, 0: 0.0722} {
		part := float64(value>>shift&0xff) / 255
		if part <= 0.03928 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
