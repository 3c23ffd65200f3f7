;; Imports what nobody provides.
(module
  (import "nobody" "provides_this" (func))
  (func (export "_start")))
