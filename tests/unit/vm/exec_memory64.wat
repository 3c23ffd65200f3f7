(module
  (memory (export "memory") i64 1 0x20000)
  (data (i64.const 16) "\01\02\03\fe")
  (data $passive "abcdef")

  (func (export "load8") (param i64) (result i32) (i32.load8_u (local.get 0)))
  (func (export "load64") (param i64) (result i64) (i64.load offset=8 (local.get 0)))
  (func (export "store64") (param i64 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "load_fixed") (result i32) (i32.load8_u offset=3 (i64.const 16)))
  (func (export "load_fixed_far") (result i32) (i32.load8_u (i64.const 0x100000010)))
  (func (export "load_fixed_outside") (result i32)
    (i32.load8_u offset=0xffffffff (i64.const 0xffffffffffffffff)))
  ;; The address is a sum, which wraps before the offset is added.
  (func (export "load_indexed") (param i64 i64) (result i32)
    (i32.load8_u offset=2 (i64.add (local.get 0) (local.get 1))))
  (func (export "store_indexed") (param i64 i64 i32) (result i32)
    (i32.store offset=4 (i64.add (local.get 0) (local.get 1)) (local.get 2))
    (i32.load offset=4 (i64.add (local.get 1) (local.get 0))))

  (func (export "size") (result i64) (memory.size))
  (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
  (func (export "fill") (param i64 i32 i64) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i64 i32 i32)
    (memory.init $passive (local.get 0) (local.get 1) (local.get 2)))

  ;; Writes i to address i * stride, for i below count, and sums up what is there.
  (func (export "walk") (param $stride i64) (param $count i64) (result i64)
    (local $i i64) (local $sum i64)
    (loop $write
      (i64.store (i64.mul (local.get $i) (local.get $stride)) (local.get $i))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $write (i64.lt_u (local.get $i) (local.get $count))))
    (local.set $i (i64.const 0))
    (loop $read
      (local.set $sum
        (i64.add (local.get $sum) (i64.load (i64.mul (local.get $i) (local.get $stride)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $read (i64.lt_u (local.get $i) (local.get $count))))
    (local.get $sum))
)
