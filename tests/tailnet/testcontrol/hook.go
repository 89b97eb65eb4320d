// What the control server of tests has beyond the one that it is made of: somebody else decides who comes in
// and as whom, and machines can be removed.
package testcontrol

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// Admission is what is asked of the hook, by POST as JSON, when a machine registers, registers again, or leaves.
type Admission struct {
	AuthKey string `json:"authKey"`
	NodeKey string `json:"nodeKey"`
	Name    string `json:"name"`
	Known   bool   `json:"known"`
	Leaving bool   `json:"leaving"`
}

// Verdict is its answer: why not, or as which user.
type Verdict struct {
	Refused string `json:"refused"`
	Login   string `json:"login"`
	Display string `json:"display"`
}

// Asking is an admission by one auth key for all, by asking a URL, or of anybody where both are empty.
func Asking(authKey, hook string) func(Admission) Verdict {
	return func(asked Admission) (said Verdict) {
		if hook == "" {
			if authKey != "" && asked.AuthKey != authKey && !asked.Known {
				return Verdict{Refused: "invalid authkey"}
			}
			return Verdict{}
		}
		body, _ := json.Marshal(asked)
		answer, err := (&http.Client{Timeout: 10 * time.Second}).Post(hook, "application/json", bytes.NewReader(body))
		if err == nil {
			defer answer.Body.Close()
			err = json.NewDecoder(answer.Body).Decode(&said)
		}
		if err != nil {
			return Verdict{Refused: err.Error()}
		}
		return said
	}
}

// admit decides about a registration; the result is empty or what the machine is told.
func (s *Server) admit(req *tailcfg.RegisterRequest) string {
	s.mu.Lock()
	_, known := s.nodes[req.NodeKey]
	s.mu.Unlock()
	asked := Admission{NodeKey: req.NodeKey.String(), Known: known}
	if req.Auth != nil {
		asked.AuthKey = req.Auth.AuthKey
	}
	if req.Hostinfo != nil {
		asked.Name = req.Hostinfo.Hostname
	}
	asked.Leaving = leaving(req)
	if s.Admit == nil {
		return ""
	}
	said := s.Admit(asked)
	if asked.Leaving {
		return ""
	}
	if said.Refused == "" && said.Login != "" {
		s.name(req.NodeKey, said)
	}
	return said.Refused
}

// leave removes a machine that said so, once the request is over: before, the server would make it anew, as one
// that it does not know.
func (s *Server) leave(req *tailcfg.RegisterRequest) {
	if leaving(req) {
		s.Remove(req.NodeKey)
	}
}

func leaving(req *tailcfg.RegisterRequest) bool {
	return !req.Expiry.IsZero() && req.Expiry.Before(time.Now())
}

func (s *Server) name(node key.NodePublic, said Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		s.users = map[key.NodePublic]*tailcfg.User{}
	}
	if s.logins == nil {
		s.logins = map[key.NodePublic]*tailcfg.Login{}
	}
	if _, known := s.users[node]; known {
		return
	}
	s.count++
	id := tailcfg.UserID(1000 + s.count)
	s.users[node] = &tailcfg.User{ID: id, DisplayName: said.Display}
	s.logins[node] = &tailcfg.Login{ID: tailcfg.LoginID(id), LoginName: said.Login, DisplayName: said.Display}
}

// Remove makes the server forget a machine, and its peers with it.
func (s *Server) Remove(node key.NodePublic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nodes, node)
	delete(s.users, node)
	delete(s.logins, node)
	s.updateLocked("removed", s.nodeIDsLocked(0))
}

// nextNodeID never gives a number twice, also where machines have gone. Its caller holds s.mu.
func (s *Server) nextNodeID() int {
	s.count++
	return s.count
}
