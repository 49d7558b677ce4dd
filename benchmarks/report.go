package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// environment is the environment of a run.
type environment struct {
	Go      string            `json:"go"`
	NextGo  string            `json:"next_go,omitempty"`
	System  string            `json:"system"`
	CPU     string            `json:"cpu,omitempty"`
	Cores   int               `json:"cores"`
	Modules map[string]string `json:"modules"`
}

func (b *bench) environment() environment {
	e := environment{
		Go: b.goVersion, NextGo: b.nextVersion, System: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuModel(),
		Cores: runtime.NumCPU(), Modules: map[string]string{},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			for _, c := range contenders {
				if c.module == module.Path && c.name != ours {
					e.Modules[c.name] = module.Path + " " + module.Version
				}
			}
		}
	}
	return e
}

// cpuModel returns "" on systems other than Linux.
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// report prints the requirements and writes all results if there is a directory for them.
func (b *bench) report(out string) error {
	where, required := b.environment(), results(b.tables).requirements()
	summary := required.markdown()
	fmt.Println(summary)
	if out == "" {
		return nil
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(struct {
		Environment  environment  `json:"environment"`
		Requirements requirements `json:"requirements"`
		Tables       []table      `json:"tables"`
	}{where, required, b.tables}, "", "\t")
	if err != nil {
		return err
	}
	files := map[string]string{
		"results.json": string(encoded) + "\n",
		"results.md":   where.markdown() + "\n" + summary,
		"results.svg":  chart(b.tables, where),
	}
	for _, t := range b.tables {
		files["results.md"] += "\n" + t.markdown()
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (e environment) markdown() string {
	var b strings.Builder
	b.WriteString("# Results of one run\n\n" + e.Go)
	if e.NextGo != "" {
		b.WriteString(" and " + e.NextGo)
	}
	b.WriteString(", " + e.System + ", " + strconv.Itoa(e.Cores) + " cores")
	if e.CPU != "" {
		b.WriteString(" of " + e.CPU)
	}
	b.WriteString(". Medians, with quartiles in brackets; a ratio is taken within a round.\n\n")
	for _, c := range contenders {
		if module, ok := e.Modules[c.name]; ok {
			b.WriteString("- " + c.name + ": " + module + "\n")
		}
	}
	return b.String()
}

func (t table) markdown() string {
	var b strings.Builder
	b.WriteString("## " + t.Title + "\n\n" + strconv.Itoa(t.Rounds) + " rounds.\n\n| |")
	for _, c := range t.Columns {
		b.WriteString(" " + c.Title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(t.Columns)) + "\n")
	for _, r := range t.Rows {
		b.WriteString("| " + r.Contender + " |")
		for _, c := range t.Columns {
			if s, ok := r.Figures[c.Key]; ok {
				b.WriteString(" " + c.text(s))
			}
			b.WriteString(" |")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (all requirements) markdown() string {
	var b strings.Builder
	b.WriteString("## What is to be reached\n\n| | wanted | measured | |\n|---|---|---:|---|\n")
	for _, r := range all {
		verdict := "reached"
		if !r.Reached {
			verdict = "**not reached**"
		}
		fmt.Fprintf(&b, "| %s | %s | %.3g (%.3g–%.3g) | %s |\n", r.What, r.Want, r.Got, r.Low, r.High, verdict)
	}
	return b.String()
}
