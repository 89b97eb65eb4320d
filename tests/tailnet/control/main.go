// A control server for tests with real tailscaled clients: Tailscale's own one for its integration tests, with
// a DERP and a STUN server beside it. It prints where it is as one line of JSON, and serves until it is ended.
//
//	control -ip 10.77.0.1 -authkey KEY     every machine must show that key
//	control -ip 10.77.0.1 -hook URL        URL is asked about every machine, see hook.go of testcontrol
//
//	POST /remove?key=nodekey:…             a machine is gone, as its peers learn at once
//	GET  /nodes                            the machines that there are
//
// scripts/install-tailnet builds it, with the package testcontrol taken from the module tailscale.com.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"huddle.test/tailnet/testcontrol"
	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

func main() {
	ip := flag.String("ip", "127.0.0.1", "the address to serve on")
	port := flag.Int("port", 0, "the port of the control server; 0 takes a free one")
	authkey := flag.String("authkey", "", "the auth key that every machine must show")
	hook := flag.String("hook", "", "who is asked about every machine")
	api := flag.String("api", "", "the server of /api/, which is reached here too")
	flag.Parse()

	control, err := net.Listen("tcp", net.JoinHostPort(*ip, fmt.Sprint(*port)))
	must(err)
	derp, err := net.Listen("tcp", net.JoinHostPort(*ip, "0"))
	must(err)
	stun := stunserver.New(context.Background())
	must(stun.Listen(net.JoinHostPort(*ip, "0")))
	go stun.Serve()

	server := &testcontrol.Server{
		ExplicitBaseURL: "http://" + control.Addr().String(),
		AllOnline:       true,
		Logf:            func(string, ...any) {},
		Admit:           testcontrol.Asking(*authkey, *hook),
		DERPMap: &tailcfg.DERPMap{OmitDefaultRegions: true, Regions: map[int]*tailcfg.DERPRegion{
			1: {RegionID: 1, RegionCode: "test", Nodes: []*tailcfg.DERPNode{{
				Name: "1a", RegionID: 1, HostName: *ip, IPv4: *ip, IPv6: "none",
				STUNPort: stun.LocalAddr().(*net.UDPAddr).Port, DERPPort: derp.Addr().(*net.TCPAddr).Port,
				InsecureForTests: true,
			}}},
		}},
	}
	relay := derpserver.New(key.NewNode(), func(string, ...any) {})
	go serveTLS(derp, *ip, derpserver.AddWebSocketSupport(relay, derpserver.Handler(relay)))

	mux := http.NewServeMux()
	mux.HandleFunc("POST /remove", func(w http.ResponseWriter, r *http.Request) {
		var which key.NodePublic
		if err := which.UnmarshalText([]byte(r.FormValue("key"))); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		server.Remove(which)
	})
	mux.HandleFunc("GET /nodes", func(w http.ResponseWriter, r *http.Request) {
		names := []string{}
		for _, node := range server.AllNodes() {
			names = append(names, node.Name)
		}
		json.NewEncoder(w).Encode(names)
	})
	if *api != "" {
		behind, err := url.Parse(*api)
		must(err)
		mux.Handle("/api/", httputil.NewSingleHostReverseProxy(behind))
	}
	mux.Handle("/", server)
	where, _ := json.Marshal(map[string]any{
		"url":  server.ExplicitBaseURL,
		"derp": derp.Addr().(*net.TCPAddr).Port,
		"stun": stun.LocalAddr().(*net.UDPAddr).Port,
	})
	fmt.Println(string(where))
	log.Fatal((&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(control))
}

// DERP wants TLS; its clients are told not to check it (InsecureForTests).
func serveTLS(on net.Listener, ip string, handler http.Handler) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: ip},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(48 * time.Hour),
		IPAddresses:  []net.IP{net.ParseIP(ip)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(err)
	server := &http.Server{
		Handler:      handler,
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	log.Fatal(server.ServeTLS(on, "", ""))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
