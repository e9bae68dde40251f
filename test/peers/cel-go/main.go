// Asks cel-go about expressions: one JSON object a line in, one answer a line out, in the same order. With the arguments
// `functions` and the name of an environment, tells the functions that it has.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
)

type question struct {
	ID         string                     `json:"id"`
	Engine     string                     `json:"engine"`
	Expression string                     `json:"expression"`
	Bindings   map[string]json.RawMessage `json:"bindings"`
}

// problem has its line and column as people count them: from 1, in characters.
type problem struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

type answer struct {
	ID     string    `json:"id"`
	Parse  []problem `json:"parse,omitempty"`
	Check  []problem `json:"check,omitempty"`
	Type   string    `json:"type,omitempty"`
	Value  any       `json:"value,omitempty"`
	Failed string    `json:"failed,omitempty"`
}

func variables(declared *cel.Type, names ...string) []cel.EnvOption {
	options := []cel.EnvOption{}
	for _, name := range names {
		options = append(options, cel.Variable(name, declared))
	}
	return options
}

func environment(options ...cel.EnvOption) *cel.Env {
	env, err := cel.NewEnv(options...)
	if err != nil {
		log.Fatal(err)
	}
	return env
}

// bodyFunction is declared for the checker only, as the operator does it.
func bodyFunction(name string) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_string", []*cel.Type{cel.StringType}, cel.DynType))
}

// environments are by the engine's name. `evaluation` has what the rules of CustomResourceDefinitions have of cel-go itself.
func environments() map[string]*cel.Env {
	structure := cel.ObjectType("google.protobuf.Struct")
	authorino := append(
		variables(structure, "metadata", "request", "source", "destination", "auth"),
		cel.OptionalTypes(), ext.Strings(),
	)
	operator := append(
		variables(cel.AnyType, "request", "source", "destination", "connection", "ratelimit", "auth"),
		ext.Strings(), bodyFunction("requestBodyJSON"), bodyFunction("responseBodyJSON"),
	)
	evaluation := append(
		variables(cel.DynType, "self", "oldSelf", "x", "y"),
		cel.OptionalTypes(), ext.Strings(ext.StringsVersion(2)), ext.Sets(), ext.TwoVarComprehensions(),
		cel.CrossTypeNumericComparisons(true), cel.DefaultUTCTimeZone(true), cel.EagerlyValidateDeclarations(true),
	)
	return map[string]*cel.Env{
		"authorino":  environment(authorino...),
		"operator":   environment(operator...),
		"evaluation": environment(evaluation...),
	}
}

func problemsOf(issues *cel.Issues) []problem {
	problems := []problem{}
	for _, one := range issues.Errors() {
		problems = append(problems, problem{one.Location.Line(), one.Location.Column() + 1, one.Message})
	}
	return problems
}

func asked(env *cel.Env, one question) (reply answer) {
	reply.ID = one.ID
	defer func() {
		if cause := recover(); cause != nil {
			reply.Failed = fmt.Sprintf("panic: %v", cause)
		}
	}()
	parsed, issues := env.Parse(one.Expression)
	if issues.Err() != nil {
		reply.Parse = problemsOf(issues)
		return reply
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		reply.Check = problemsOf(issues)
		return reply
	}
	reply.Type = checked.OutputType().String()
	if one.Bindings == nil {
		return reply
	}
	program, err := env.Program(checked)
	if err != nil {
		reply.Failed = err.Error()
		return reply
	}
	value, _, err := program.Eval(bound(one.Bindings))
	if err != nil {
		reply.Failed = err.Error()
		return reply
	}
	reply.Value = written(value)
	return reply
}

func bound(bindings map[string]json.RawMessage) map[string]any {
	values := map[string]any{}
	for name, raw := range bindings {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			log.Fatal(err)
		}
		values[name] = celValue(value)
	}
	return values
}

// celValue has whole numbers as ints, as an API server reads objects without a schema.
func celValue(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return whole
		}
		number, _ := value.Float64()
		return number
	case []any:
		items := make([]any, len(value))
		for at, item := range value {
			items[at] = celValue(item)
		}
		return items
	case map[string]any:
		entries := map[string]any{}
		for key, item := range value {
			entries[key] = celValue(item)
		}
		return entries
	}
	return value
}

func tagged(tag string, value any) map[string]any { return map[string]any{tag: value} }

// written is a value with its type: {"int":"1"}. Entries of maps are in the order of their keys' text.
func written(value ref.Val) any {
	switch value := value.(type) {
	case types.Null:
		return tagged("null", true)
	case types.Bool:
		return tagged("bool", bool(value))
	case types.Int:
		return tagged("int", strconv.FormatInt(int64(value), 10))
	case types.Uint:
		return tagged("uint", strconv.FormatUint(uint64(value), 10))
	case types.Double:
		return tagged("double", strconv.FormatFloat(float64(value), 'e', -1, 64))
	case types.String:
		return tagged("string", string(value))
	case types.Bytes:
		return tagged("bytes", base64.StdEncoding.EncodeToString(value))
	case types.Timestamp:
		return tagged("timestamp", fmt.Sprintf("%d.%09d", value.Unix(), value.Nanosecond()))
	case types.Duration:
		return tagged("duration", strconv.FormatInt(value.Nanoseconds(), 10))
	case *types.Optional:
		if !value.HasValue() {
			return tagged("optional", []any{})
		}
		return tagged("optional", []any{written(value.GetValue())})
	case *types.Type:
		return tagged("type", value.TypeName())
	}
	return writtenCollection(value)
}

func writtenCollection(value ref.Val) any {
	if list, ok := value.(traits.Lister); ok {
		items := []any{}
		for at := list.Iterator(); at.HasNext() == types.True; {
			items = append(items, written(at.Next()))
		}
		return tagged("list", items)
	}
	if entries, ok := value.(traits.Mapper); ok {
		pairs := [][2]any{}
		for at := entries.Iterator(); at.HasNext() == types.True; {
			key := at.Next()
			pairs = append(pairs, [2]any{written(key), written(entries.Get(key))})
		}
		text := func(at int) string { key, _ := json.Marshal(pairs[at][0]); return string(key) }
		sort.Slice(pairs, func(a, b int) bool { return text(a) < text(b) })
		return tagged("map", pairs)
	}
	return tagged("other", value.Type().TypeName())
}

// declared is how a function or macro may be called, by its name. Operators are left out.
type declared struct {
	Global   bool `json:"global"`
	Receiver bool `json:"receiver"`
}

func functionsOf(env *cel.Env) map[string]declared {
	found := map[string]declared{}
	add := func(name string, isMember bool) {
		if !strings.ContainsAny(name, "_@!?-+*/%<>=&|[") || name == "exists_one" {
			one := found[name]
			found[name] = declared{one.Global || !isMember, one.Receiver || isMember}
		}
	}
	for name, function := range env.Functions() {
		for _, overload := range function.OverloadDecls() {
			add(name, overload.IsMemberFunction())
		}
	}
	for _, macro := range env.Macros() {
		add(macro.Function(), macro.IsReceiverStyle())
	}
	return found
}

func main() {
	envs := environments()
	if len(os.Args) == 3 && os.Args[1] == "functions" {
		if err := json.NewEncoder(os.Stdout).Encode(functionsOf(envs[os.Args[2]])); err != nil {
			log.Fatal(err)
		}
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<20), 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		var one question
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(asked(envs[one.Engine], one)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
