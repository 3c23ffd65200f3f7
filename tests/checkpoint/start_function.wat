;; The module's own start function loops before `_start` is entered: a checkpoint may lie in either.
;; Ends with the exit code 42: 20 from the start function, 22 from `_start`.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $sum (mut i32) (i32.const 0))

  (func $count (param $times i32)
    (loop $again
      (global.set $sum (i32.add (global.get $sum) (i32.const 1)))
      (local.set $times (i32.sub (local.get $times) (i32.const 1)))
      (br_if $again (local.get $times))))

  (func $before (call $count (i32.const 20)))
  (start $before)

  (func (export "_start")
    (call $count (i32.const 22))
    (call $exit (global.get $sum))))
