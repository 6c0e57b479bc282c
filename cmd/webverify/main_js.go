// Command webverify is the verifier in the browser: [browser.Verifier] for a web worker,
// built for WebAssembly by make web.
//
// It puts one object, elicence, into the worker's global scope and then waits:
//
//	about()          JSON of browser.About
//	verify(text)     JSON of browser.Answer
//	isWhole(text)    whether a text is a code of ours from end to end, whatever it says
//	restore(kept)    promise; kept is {pin, state, files}
//	refresh(read)    promise of what to keep, or of null if nothing is new;
//	                 read(name) is a promise of bytes, or of null if there is no such file
//
// For a counter, which remembers live presentations and may ask for them:
//
//	recall(bytes)    starts to remember, from what shown gave; a promise
//	shown()          the memory as bytes
//	ask(hall)        promise of the digits of the hall's question
//	stopAsking()     the question waits no more
//
// For a wallet, whose key the page keeps:
//
//	hall(question)                              promise of the name of the hall that asks
//	toSign(credential, seconds, question)       promise of what the device signs
//	present(credential, seconds, question, signature)  promise of the digits of the code
//	normal(point, signature)                    promise of the accepted form of a signature
//
// question is null where no hall asks. A promise is rejected with a text that says why.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"syscall/js"
	"time"

	"github.com/elicence/elicence/internal/browser"
)

// rootSM3 is the pin that make web PIN=HEX builds in.
var rootSM3 string

func main() {
	v := browser.New(browser.Options{RootSM3: rootSM3, Now: time.Now})
	api := map[string]any{
		"about":   js.FuncOf(func(js.Value, []js.Value) any { return text(v.About()) }),
		"verify":  js.FuncOf(func(_ js.Value, args []js.Value) any { return text(v.Text(args[0].String())) }),
		"isWhole": js.FuncOf(func(_ js.Value, args []js.Value) any { return browser.IsWhole(args[0].String()) }),
		"restore": promising(func(args []js.Value) (any, error) {
			return nil, v.Restore(keptFrom(args[0]))
		}),
		"refresh": promising(func(args []js.Value) (any, error) {
			kept, changed, err := v.Refresh(context.Background(), reader(args[0]))
			if err != nil || !changed {
				return nil, err
			}
			return keptValue(kept), nil
		}),
		"recall": promising(func(args []js.Value) (any, error) {
			v.Recall(bytesOf(args[0]))
			return nil, nil
		}),
		"shown": js.FuncOf(func(js.Value, []js.Value) any { return arrayOf(v.Shown()) }),
		"ask": promising(func(args []js.Value) (any, error) {
			return v.Ask(rand.Reader, args[0].String())
		}),
		"stopAsking": js.FuncOf(func(js.Value, []js.Value) any {
			v.StopAsking()
			return nil
		}),
		"hall": promising(func(args []js.Value) (any, error) { return browser.Hall(args[0].String()) }),
		"toSign": promising(func(args []js.Value) (any, error) {
			message, err := presentation(args).ToSign()
			return arrayOf(message), err
		}),
		"present": promising(func(args []js.Value) (any, error) {
			return presentation(args).Code(bytesOf(args[3]))
		}),
		"normal": promising(func(args []js.Value) (any, error) {
			signature, err := browser.NormalSignature(bytesOf(args[0]), bytesOf(args[1]))
			return arrayOf(signature), err
		}),
	}
	js.Global().Set("elicence", js.ValueOf(api))
	js.Global().Call("elicenceReady")
	select {}
}

// text writes a value as JSON. Our answers can always be written.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

// presentation takes credential, seconds and question.
func presentation(args []js.Value) browser.Presentation {
	p := browser.Presentation{Credential: bytesOf(args[0]), At: time.Unix(int64(args[1].Int()), 0)}
	if !args[2].IsNull() {
		p.Question = args[2].String()
	}
	return p
}

// promising makes a JavaScript function that answers with a promise: only a goroutine
// of its own may wait for other promises.
func promising(do func([]js.Value) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		var executor js.Func
		executor = js.FuncOf(func(_ js.Value, settle []js.Value) any {
			go func() {
				defer executor.Release()
				result, err := do(args)
				if err != nil {
					settle[1].Invoke(err.Error())
					return
				}
				settle[0].Invoke(result)
			}()
			return nil
		})
		return js.Global().Get("Promise").New(executor)
	})
}

// await waits for a promise.
func await(promise js.Value) (js.Value, error) {
	type settled struct {
		value js.Value
		err   error
	}
	done := make(chan settled, 1)
	fulfilled := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- settled{value: args[0]}
		return nil
	})
	rejected := js.FuncOf(func(_ js.Value, args []js.Value) any {
		done <- settled{err: errors.New(js.Global().Get("String").Invoke(args[0]).String())}
		return nil
	})
	defer fulfilled.Release()
	defer rejected.Release()
	promise.Call("then", fulfilled, rejected)
	s := <-done
	return s.value, s.err
}

// reader fetches trust files through the page.
func reader(read js.Value) browser.Read {
	return func(_ context.Context, name string) ([]byte, error) {
		content, err := await(read.Invoke(name))
		if err != nil {
			return nil, fmt.Errorf("fetching: %w", err)
		}
		if content.IsNull() {
			return nil, fs.ErrNotExist
		}
		return bytesOf(content), nil
	}
}

func bytesOf(array js.Value) []byte {
	b := make([]byte, array.Length())
	js.CopyBytesToGo(b, array)
	return b
}

func arrayOf(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

func keptFrom(v js.Value) browser.Kept {
	kept := browser.Kept{Pin: v.Get("pin").String(), State: bytesOf(v.Get("state")), Files: make(map[string][]byte)}
	names := js.Global().Get("Object").Call("keys", v.Get("files"))
	for i := range names.Length() {
		name := names.Index(i).String()
		kept.Files[name] = bytesOf(v.Get("files").Get(name))
	}
	return kept
}

func keptValue(kept browser.Kept) js.Value {
	files := js.Global().Get("Object").New()
	for name, content := range kept.Files {
		files.Set(name, arrayOf(content))
	}
	value := js.Global().Get("Object").New()
	value.Set("pin", kept.Pin)
	value.Set("state", arrayOf(kept.State))
	value.Set("files", files)
	return value
}
