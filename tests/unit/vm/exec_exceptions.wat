;; Exceptions that are held while others may look at the machine.
(module
  (tag $e (param i32))
  (func $throw (param i32)
    local.get 0
    throw $e)
  ;; Catches, comes by a few loop heads, and throws again what it caught.
  (func $hold (export "hold") (param $value i32) (result i32) (local $turns i32)
    try (result i32)
      try (result i32)
        local.get $value
        call $throw
        i32.const 0
      catch $e
        drop
        i32.const 3
        local.set $turns
        loop $again
          local.get $turns
          i32.const 1
          i32.sub
          local.tee $turns
          br_if $again
        end
        rethrow 0
      end
    catch $e
    end)
  (func (export "hold_many") (param $count i32) (result i32) (local $sum i32)
    loop $again
      local.get $count
      call $hold
      local.get $sum
      i32.add
      local.set $sum
      local.get $count
      i32.const 1
      i32.sub
      local.tee $count
      br_if $again
    end
    local.get $sum)
  (func (export "lose") (param i32)
    local.get 0
    call $throw))
