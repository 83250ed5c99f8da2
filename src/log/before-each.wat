;; Puts `start` before each line of plain text. What is done to each byte that a program prints is done here and
;; nowhere else; before-each.ts calls it. `npm run wasm` translates it. docs/decisions/0019 says why it is not
;; TypeScript.
(module
  ;; So many pages of 64 KiB. Where what lies in it is said in before-each.ts.
  (memory (export "memory") 48)

  ;; The lines are the bytes from $in to $end, and end in a line end. The answer, from $out on, ends where the function says;
  ;; -1: something is no plain text, which is ASCII without control characters but tab and line end, or there is no room
  ;; for the answer. 8 bytes are read and written at once: of what lies behind the end that many may be
  ;; read, and behind $out that many be overwritten.
  (func (export "beforeEach")
    (param $start i32) (param $width i32) (param $in i32) (param $end i32) (param $out i32) (param $room i32)
    (result i32)
    (local $at i32) (local $word i64) (local $marks i64) (local $byte i32)

    (loop $line
      (if (i32.ge_u (local.get $in) (local.get $end))
        (then (return (local.get $out))))
      ;; Room for the start and for all text that is left: this line's is no more.
      (if (i32.gt_u
            (i32.add
              (i32.add (local.get $out) (local.get $width))
              (i32.add (i32.sub (local.get $end) (local.get $in)) (i32.const 8)))
            (local.get $room))
        (then (return (i32.const -1))))

      (local.set $at (i32.const 0))
      (loop $copy
        (i64.store
          (i32.add (local.get $out) (local.get $at))
          (i64.load (i32.add (local.get $start) (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $copy (i32.lt_u (local.get $at) (local.get $width))))
      (local.set $out (i32.add (local.get $out) (local.get $width)))

      (loop $text
        (local.set $word (i64.load (local.get $in)))
        (i64.store (local.get $out) (local.get $word))
        ;; The top bit of each byte that wants a look: those that have it already, 0x7f, and those below the blank.
        ;; The first of them is told right: a sum is carried into the bytes behind only.
        (local.set $marks
          (i64.and
            (i64.const 0x8080808080808080)
            (i64.or
              (local.get $word)
              (i64.or
                (i64.add (local.get $word) (i64.const 0x0101010101010101))
                (i64.xor
                  (i64.add (local.get $word) (i64.const 0x6060606060606060))
                  (i64.const -1))))))
        (if (i64.eqz (local.get $marks))
          (then
            (local.set $in (i32.add (local.get $in) (i32.const 8)))
            (local.set $out (i32.add (local.get $out) (i32.const 8)))
            (br $text)))

        ;; Goes behind that byte; what was written behind it is written over.
        (local.set $at (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $marks)) (i64.const 3))))
        (local.set $byte (i32.load8_u (i32.add (local.get $in) (local.get $at))))
        (local.set $in (i32.add (i32.add (local.get $in) (local.get $at)) (i32.const 1)))
        (local.set $out (i32.add (i32.add (local.get $out) (local.get $at)) (i32.const 1)))
        (br_if $line (i32.eq (local.get $byte) (i32.const 0x0a)))
        (br_if $text (i32.eq (local.get $byte) (i32.const 0x09)))))
    (i32.const -1)))
