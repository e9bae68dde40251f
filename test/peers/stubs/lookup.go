// Looks a name up with Go's own resolver.
// Usage: lookup NAME [4|6]. Prints an address a line, or the error; exits with 1 after an error.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
)

func main() {
	network := "ip"
	if len(os.Args) > 2 {
		network += os.Args[2]
	}
	resolver := net.Resolver{PreferGo: true}
	addresses, err := resolver.LookupNetIP(context.Background(), network, os.Args[1])
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	for _, address := range addresses {
		fmt.Println(address)
	}
}
