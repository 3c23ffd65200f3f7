;; Imports what nobody provides, and what is provided under another name or type.
(module
  (import "nobody" "provides_this" (func))
  (import "wasi_snapshot_preview1" "fd_wrte" (func))
  (import "wasi_snapshot_preview1" "fd_close" (func))
  (func (export "_start")))
