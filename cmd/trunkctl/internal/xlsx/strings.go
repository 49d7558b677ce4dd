package xlsx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// sharedStrings are the texts that cells refer to by their index.
type sharedStrings struct {
	text []byte
	ends []uint32
}

// at returns a text, and whether there is one with this index.
func (s *sharedStrings) at(i int) (text string, ok bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	begin := uint32(0)
	if i > 0 {
		begin = s.ends[i-1]
	}
	return string(s.text[begin:s.ends[i]]), true
}

// readStrings reads the shared strings, once.
func (b *Book) readStrings() error {
	if b.shared != nil {
		return nil
	}
	shared := &sharedStrings{}
	if b.strings == nil {
		b.shared = shared
		return nil
	}
	p, err := b.openPart(b.strings, maxStrings)
	if err != nil {
		return err
	}
	defer p.close()
	err = p.each(" si ", func(xml.StartElement) error {
		var err error
		if shared.text, err = p.richText(shared.text); err != nil {
			return err
		}
		if len(shared.text) > maxText || len(shared.ends) > maxText/8 {
			return wrong("the texts of the workbook are too large" + orCSV)
		}
		shared.ends = append(shared.ends, uint32(len(shared.text))) //nolint:gosec // it is bounded
		return nil
	})
	if err == nil {
		b.shared = shared
	}
	return err
}

// richText appends the text of the element that was begun last, without its form and without the
// pronunciation that East Asian texts may have.
func (p *part) richText(to []byte) ([]byte, error) {
	end, begin, inText := p.depth-1, len(to), false
	for p.depth > end {
		token, err := p.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return to, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "rPh", "phoneticPr", "rPr":
				if err := p.skip(); err != nil {
					return to, err
				}
			case "t":
				inText = true
			}
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				to = append(to, t...)
			}
		}
		if len(to)-begin > 2*maxToken {
			return to, wrong("the workbook has a text of more than %d MB"+orCSV, maxToken>>20)
		}
	}
	if bytes.Contains(to[begin:], []byte("_x")) {
		to = append(to[:begin], unescape(string(to[begin:]))...)
	}
	return to, nil
}

// unescape resolves the escapes of characters that XML does not have, such as _x000D_.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var out strings.Builder
	for {
		i := strings.Index(s, "_x")
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		s = s[i:]
		code, err := strconv.ParseUint(s[2:min(6, len(s))], 16, 16)
		if len(s) < 7 || s[6] != '_' || err != nil || s[2] == '+' {
			out.WriteString(s[:2])
			s = s[2:]
			continue
		}
		out.WriteRune(rune(code))
		s = s[7:]
	}
}
