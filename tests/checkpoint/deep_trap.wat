;; Traps a thousand calls deep.
(module
  (func $descend (param $left i32)
    (if (i32.eqz (local.get $left)) (then (unreachable)))
    (call $descend (i32.sub (local.get $left) (i32.const 1)))
    nop)
  (func (export "_start") (call $descend (i32.const 1000))))
