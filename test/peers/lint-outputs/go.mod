// What reads the output of `sluice lint` in editors: the library of efm-langserver, which follows Vim's rules.
module sluice.dev/test/lint-outputs

go 1.26.0

tool github.com/reviewdog/errorformat/cmd/errorformat

require (
	github.com/haya14busa/go-checkstyle v0.0.0-20170303121022-5e9d09f51fa1 // indirect
	github.com/haya14busa/go-sarif v0.0.0-20210102043135-e2c5fed2fa3d // indirect
	github.com/reviewdog/errorformat v0.0.0-20260721110140-13bff69235f3 // indirect
)
