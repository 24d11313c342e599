#include "go_asm.h"
#include "textflag.h"

// See stride_amd64.go. Of the registers, for the whole of a call:
//
//	R8 the buffer   R9 where the value of the record ends   R12 the row
//	R10 the item or field   R11 how many are left
//	X8 to X12 what DIGITS needs   X13 what a text ends with
//
// and within an item: BX where its value begins, DX its column.

DATA strideZeros<>+0(SB)/8, $0x3030303030303030
DATA strideZeros<>+8(SB)/8, $0x3030303030303030
GLOBL strideZeros<>(SB), RODATA|NOPTR, $16
DATA strideNines<>+0(SB)/8, $0x0909090909090909
DATA strideNines<>+8(SB)/8, $0x0909090909090909
GLOBL strideNines<>(SB), RODATA|NOPTR, $16
DATA strideTens<>+0(SB)/8, $0x010a010a010a010a
DATA strideTens<>+8(SB)/8, $0x010a010a010a010a
GLOBL strideTens<>(SB), RODATA|NOPTR, $16
DATA strideHundreds<>+0(SB)/8, $0x0001006400010064
DATA strideHundreds<>+8(SB)/8, $0x0001006400010064
GLOBL strideHundreds<>(SB), RODATA|NOPTR, $16
DATA strideTenThousands<>+0(SB)/8, $0x0001271000012710
DATA strideTenThousands<>+8(SB)/8, $0x0001271000012710
GLOBL strideTenThousands<>(SB), RODATA|NOPTR, $16

// The sixteen bytes from n on bring the first n bytes to the right end, behind zeros.
DATA strideRight<>+0(SB)/8, $0x8080808080808080
DATA strideRight<>+8(SB)/8, $0x8080808080808080
DATA strideRight<>+16(SB)/8, $0x0706050403020100
DATA strideRight<>+24(SB)/8, $0x0f0e0d0c0b0a0908
GLOBL strideRight<>(SB), RODATA|NOPTR, $32

// 0000-00-00T00:00, and what to add so that all but digits, and a minute of sixty and more, show
// their highest bit: see dateLike and timeLike.
DATA strideTime<>+0(SB)/8, $0x2d30302d30303030
DATA strideTime<>+8(SB)/8, $0x30303a3030543030
GLOBL strideTime<>(SB), RODATA|NOPTR, $16
DATA strideTimeAdd<>+0(SB)/8, $0x7f76767f76767676
DATA strideTimeAdd<>+8(SB)/8, $0x767a7f76767f7676
GLOBL strideTimeAdd<>(SB), RODATA|NOPTR, $16

// The bytes of a date that make the key of days.
DATA strideDate<>+0(SB)/8, $0x0906050803020100
DATA strideDate<>+8(SB)/8, $0x8080808080808080
GLOBL strideDate<>(SB), RODATA|NOPTR, $16

// Tens of hours, hours, minutes; and seconds of each.
DATA strideClock<>+0(SB)/8, $0
DATA strideClock<>+8(SB)/8, $0x010a00010a000000
GLOBL strideClock<>(SB), RODATA|NOPTR, $16
DATA strideSeconds<>+0(SB)/8, $0
DATA strideSeconds<>+8(SB)/8, $0x003c0e100e100000
GLOBL strideSeconds<>(SB), RODATA|NOPTR, $16

#define CONSTANTS \
	VMOVDQU strideZeros<>(SB), X8         \
	VMOVDQU strideNines<>(SB), X9         \
	VMOVDQU strideTens<>(SB), X10         \
	VMOVDQU strideHundreds<>(SB), X11     \
	VMOVDQU strideTenThousands<>(SB), X12

// DIGITS counts the digits in X1 in CX, up to 16, and has their values in X1.
#define DIGITS \
	VPSUBB    X8, X1, X1 \
	VPMINUB   X9, X1, X2 \
	VPCMPEQB  X1, X2, X2 \
	VPMOVMSKB X2, CX     \
	NOTL      CX         \
	TZCNTL    CX, CX

// NUMBER makes in AX the number of the first CX digits, at most 15, whose values are in X1. It moves
// them to the right end, where what is in front of them is zero, and takes pairs, fours and eights
// together. DI is lost.
#define NUMBER \
	LEAQ       strideRight<>(SB), DI \
	VPSHUFB    (DI)(CX*1), X1, X1    \
	VPMADDUBSW X10, X1, X1           \
	VPMADDWD   X11, X1, X1           \
	VPACKUSDW  X1, X1, X1            \
	VPMADDWD   X12, X1, X1           \
	VMOVQ      X1, AX                \
	MOVL       AX, DI                \
	SHRQ       $32, AX               \
	IMULQ      $100000000, DI        \
	ADDQ       DI, AX

// WHOLE reads the digits at BX: their number into CX, what they mean into AX. It goes to fail where
// there are none or more than 15, or a zero in front of others.
#define WHOLE(lone, good, fail) \
	VMOVDQU (R8)(BX*1), X1      \
	DIGITS                      \
	LEAL    -1(CX), AX          \
	CMPL    AX, $14             \
	JHI     fail                \
	CMPB    (R8)(BX*1), $0x30   \
	JEQ     lone                \
good:                           \
	NUMBER

// FIND finds the code of the text at BX whose CX bytes, at most 15, X1 begins with, and gives it
// to the row. It goes to fail where the dictionary does not have it. DX, DI, AX, R14, R15 are lost.
#define FIND(probe, next, hit, fail) \
	MOVL    CX, AX                                        \
	SHLL    $4, AX                                        \
	LEAQ    ·textMasks(SB), DI                            \
	VPAND   (DI)(AX*1), X1, X1                            \
	VMOVQ   X1, AX                                        \
	VPEXTRQ $1, X1, DI                                    \
	LEAQ    1(CX), R14                                    \
	SHLQ    $56, R14                                      \
	ORQ     R14, DI                                       \
	MOVQ    (column_index+dictionary_mix+0)(DX), R14      \
	IMULQ   AX, R14                                       \
	MOVQ    (column_index+dictionary_mix+8)(DX), R15      \
	IMULQ   DI, R15                                       \
	ADDQ    R15, R14                                      \
	MOVQ    (column_index+dictionary_shift)(DX), R15      \
	SHRXQ   R15, R14, R14                                 \
probe:                                                    \
	MOVQ    (column_index+dictionary_slots+8)(DX), R15    \
	DECQ    R15                                           \
	ANDQ    R15, R14                                      \
	MOVQ    (column_index+dictionary_slots+0)(DX), R15    \
	PUSH_SLOT                                             \
	CMPQ    AX, (entry_key+0)(R15)                        \
	JNE     next                                          \
	CMPQ    DI, (entry_key+8)(R15)                        \
	JEQ     hit                                           \
next:                                                     \
	CMPQ    (entry_key+8)(R15), $0                        \
	JEQ     fail                                          \
	INCQ    R14                                           \
	JMP     probe                                         \
hit:                                                      \
	MOVL    entry_code(R15), AX                           \
	MOVQ    column_codes(DX), DX                          \
	MOVL    AX, (DX)(R12*4)

// PUSH_SLOT has R15, where the slots begin, point to slot R14.
#define PUSH_SLOT \
	LEAQ (R15)(R14*8), R15 \
	LEAQ (R15)(R14*8), R15 \
	LEAQ (R15)(R14*8), R15

// MOMENT reads the time at BX into AX, and moves BX behind it. It goes to fail for times with an
// offset, and whatever needs a closer look.
#define MOMENT(decoder, plain, zoned, fail) \
	VMOVDQU    (R8)(BX*1), X1                  \
	VPXOR      strideTime<>(SB), X1, X1        \
	VPADDB     strideTimeAdd<>(SB), X1, X2     \
	VPOR       X1, X2, X2                      \
	VPMOVMSKB  X2, AX                          \
	TESTL      AX, AX                          \
	JNZ        fail                            \
	MOVL       16(R8)(BX*1), CX                \
	ANDL       $0xffffff, CX                   \
	XORL       $0x30303a, CX                   \
	LEAL       0x767a7f(CX), AX                \
	ORL        CX, AX                          \
	TESTL      $0x808080, AX                   \
	JNZ        fail                            \
	VPSHUFB    strideDate<>(SB), X1, X2        \
	VMOVQ      X2, AX                          \
	MOVQ       $const_dayMix, DI         \
	IMULQ      AX, DI                          \
	SHRQ       $58, DI                         \
	SHLQ       $4, DI                          \
	MOVQ       decoder, R14                    \
	LEAQ       Decoder_days(R14)(DI*1), DI     \
	NOTQ       AX                              \
	CMPQ       AX, midnight_key(DI)            \
	JNE        fail                            \
	MOVQ       midnight_at(DI), R14            \
	VPMADDUBSW strideClock<>(SB), X1, X1       \
	VPMADDWD   strideSeconds<>(SB), X1, X1     \
	VPEXTRD    $2, X1, AX                      \
	VPEXTRD    $3, X1, DI                      \
	ADDL       DI, AX                          \
	MOVL       CX, DI                          \
	SHRL       $16, CX                         \
	ADDL       CX, AX                          \
	SHRL       $8, DI                          \
	ANDL       $0xff, DI                       \
	IMULL      $10, DI                         \
	ADDL       DI, AX                          \
	CMPL       AX, $86400                      \
	JCC        fail                            \
	IMULQ      $1000000, AX                    \
	ADDQ       AX, R14                         \
	ADDQ       $19, BX                         \
	CMPB       (R8)(BX*1), $0x2e               \
	JNE        plain                           \
	INCQ       BX                              \
	VMOVDQU    (R8)(BX*1), X1                  \
	DIGITS                                     \
	LEAL       -1(CX), AX                      \
	CMPL       AX, $5                          \
	JHI        fail                            \
	NUMBER                                     \
	ADDQ       CX, BX                          \
	MOVL       $6, DI                          \
	SUBL       CX, DI                          \
	LEAQ       ·pow10(SB), CX                  \
	IMULQ      (CX)(DI*8), AX                  \
	ADDQ       AX, R14                         \
plain:                                         \
	CMPB       (R8)(BX*1), $0x5a               \
	JNE        zoned                           \
	INCQ       BX                              \
zoned:                                         \
	MOVQ       R14, AX

// DECIMAL reads a number with a point at BX into AX, as an integer of the column's scale, and moves
// BX behind it.
#define DECIMAL(lone, good, fail) \
	WHOLE(lone, good, fail)                    \
	ADDQ    CX, BX                             \
	CMPB    (R8)(BX*1), $0x2e                  \
	JNE     fail                               \
	INCQ    BX                                 \
	MOVQ    column_field(DX), R15              \
	MOVQ    field_scale(R15), R15              \
	ADDQ    R15, CX                            \
	CMPQ    CX, $18                            \
	JHI     fail                               \
	MOVQ    AX, R14                            \
	VMOVDQU (R8)(BX*1), X1                     \
	DIGITS                                     \
	LEAL    -1(CX), AX                         \
	CMPL    AX, $14                            \
	JHI     fail                               \
	CMPQ    CX, R15                            \
	JHI     fail                               \
	ADDQ    CX, BX                             \
	NUMBER                                     \
	LEAQ    ·pow10(SB), DI                     \
	IMULQ   (DI)(CX*8), R14                    \
	ADDQ    R14, AX                            \
	SUBQ    CX, R15                            \
	IMULQ   (DI)(R15*8), AX

// LIMIT goes to fail where AX is more than the column may hold.
#define LIMIT(fail) \
	MOVQ column_field(DX), DI   \
	CMPQ AX, field_limit(DI)    \
	JHI  fail

// PUT gives AX to the row.
#define PUT \
	MOVQ column_ints(DX), DX \
	MOVQ AX, (DX)(R12*8)

// MEMBERS reads members as long as it can. It goes to all behind the last item of the template, and
// to done in front of one that it does not read.
#define MEMBERS \
member:                                      \
	TESTQ    R11, R11                        \
	JZ       all                             \
	MOVQ     item_length(R10), BX            \
	ADDQ     SI, BX                          \
	CMPQ     BX, R9                          \
	JGE      done                            \
	VMOVDQU  (R8)(SI*1), Y0                  \
	VPXOR    item_words(R10), Y0, Y0         \
	VPTEST   item_masks(R10), Y0             \
	JNZ      done                            \
	MOVQ     item_of(R10), DX                \
	MOVBLZX  item_stride(R10), AX            \
	CMPL     AX, $const_classText            \
	JEQ      text                            \
	CMPL     AX, $const_classWhole           \
	JEQ      whole                           \
	CMPL     AX, $const_classDecimal         \
	JEQ      decimal                         \
	CMPL     AX, $const_classMoment          \
	JNE      done                            \
	MOMENT(d+0(FP), plain, zoned, done)      \
	CMPB     (R8)(BX*1), $0x22               \
	JNE      done                            \
	INCQ     BX                              \
	PUT                                      \
next:                                        \
	MOVQ     SI, R13                         \
	MOVQ     BX, SI                          \
	ADDQ     $item__size, R10                \
	DECQ     R11                             \
	JMP      member                          \
text:                                        \
	VMOVDQU  (R8)(BX*1), X1                  \
	VPCMPEQB X13, X1, X2                     \
	VPMOVMSKB X2, CX                         \
	TESTL    CX, CX                          \
	JZ       done                            \
	TZCNTL   CX, CX                          \
	LEAQ     1(BX)(CX*1), BX                 \
	FIND(probe, another, hit, done)          \
	JMP      next                            \
whole:                                       \
	WHOLE(lone, number, done)                \
	LIMIT(done)                              \
	PUT                                      \
	ADDQ     CX, BX                          \
	JMP      next                            \
lone:                                        \
	CMPL     CX, $1                          \
	JHI      done                            \
	JMP      number                          \
decimal:                                     \
	DECIMAL(loneWhole, numberWhole, done)    \
	LIMIT(done)                              \
	PUT                                      \
	JMP      next                            \
loneWhole:                                   \
	CMPL     CX, $1                          \
	JHI      done                            \
	JMP      numberWhole

// FIELDS reads fields as long as it can. It goes to all behind the last field of the header, and to
// done in front of one that it does not read, with BX at its beginning.
#define FIELDS \
field:                                       \
	TESTQ    R11, R11                        \
	JZ       all                             \
	CMPQ     BX, R9                          \
	JGE      done                            \
	MOVLQSX  headerField_column(R10), DX     \
	IMULQ    $column__size, DX               \
	ADDQ     R13, DX                         \
	MOVBLZX  headerField_class(R10), AX      \
	MOVQ     BX, place-8(SP)                 \
	CMPL     AX, $const_classText            \
	JEQ      text                            \
	CMPL     AX, $const_classWhole           \
	JEQ      whole                           \
	CMPL     AX, $const_classDecimal         \
	JEQ      decimal                         \
	CMPL     AX, $const_classMoment          \
	JNE      done                            \
	MOMENT(d+0(FP), plain, zoned, back)      \
	PUT                                      \
behind:                                      \
	CMPB     (R8)(BX*1), SI                  \
	JEQ      next                            \
	CMPQ     BX, R9                          \
	JNE      back                            \
next:                                        \
	INCQ     BX                              \
	ADDQ     $headerField__size, R10         \
	DECQ     R11                             \
	JMP      field                           \
text:                                        \
	VMOVDQU  (R8)(BX*1), X1                  \
	VPCMPEQB X13, X1, X2                     \
	VPMOVMSKB X2, CX                         \
	MOVQ     R9, AX                          \
	SUBQ     BX, AX                          \
	CMPQ     AX, $16                         \
	JCC      inside                          \
	BTSL     AX, CX                          \
inside:                                      \
	TZCNTL   CX, CX                          \
	LEAL     -1(CX), AX                      \
	CMPL     AX, $14                         \
	JHI      back                            \
	ADDQ     CX, BX                          \
	FIND(probe, another, hit, back)          \
	JMP      next                            \
whole:                                       \
	WHOLE(lone, number, back)                \
	LIMIT(back)                              \
	PUT                                      \
	ADDQ     CX, BX                          \
	JMP      behind                          \
lone:                                        \
	CMPL     CX, $1                          \
	JHI      back                            \
	JMP      number                          \
decimal:                                     \
	DECIMAL(loneWhole, numberWhole, back)    \
	LIMIT(back)                              \
	PUT                                      \
	JMP      behind                          \
loneWhole:                                   \
	CMPL     CX, $1                          \
	JHI      back                            \
	JMP      numberWhole                     \
back:                                        \
	MOVQ     place-8(SP), BX                 \
	JMP      done

// TEXT_ENDS has X13 hold the byte in AX in all places.
#define TEXT_ENDS \
	VMOVD        AX, X13     \
	VPBROADCASTB X13, X13

// func strideMembers(d *Decoder, item, pos, last int) (next, place, before int)
TEXT ·strideMembers(SB), NOSPLIT, $0-56
	MOVQ  d+0(FP), DX
	MOVQ  item+8(FP), AX
	MOVQ  pos+16(FP), SI
	MOVQ  last+24(FP), R13
	MOVQ  Decoder_buf(DX), R8
	MOVQ  Decoder_end(DX), R9
	MOVQ  Decoder_row(DX), R12
	MOVQ  (Decoder_learned+template_items)(DX), R10
	MOVQ  (Decoder_learned+template_items+8)(DX), R11
	SUBQ  AX, R11
	IMULQ $item__size, AX
	ADDQ  AX, R10
	CONSTANTS
	MOVL  $0x22, AX
	TEXT_ENDS

	MEMBERS

all:
done:
	VZEROUPPER
	MOVQ d+0(FP), DX
	MOVQ (Decoder_learned+template_items+8)(DX), AX
	SUBQ R11, AX
	MOVQ AX, next+32(FP)
	MOVQ SI, place+40(FP)
	MOVQ R13, before+48(FP)
	RET

// func strideRecords(d *Decoder, span *batch.Span, row, rows int) (at, next, place, before int)
TEXT ·strideRecords(SB), NOSPLIT, $0-64
	MOVQ d+0(FP), DX
	MOVQ Decoder_buf(DX), R8
	MOVQ row+16(FP), R12
	CONSTANTS
	MOVL $0x22, AX
	TEXT_ENDS

record:
	MOVQ    d+0(FP), DX
	MOVQ    (Decoder_learned+template_items)(DX), R10
	MOVQ    (Decoder_learned+template_items+8)(DX), R11
	MOVQ    span+8(FP), AX
	MOVLQSX 4(AX), SI
	MOVQ    SI, R13
	CMPQ    R12, rows+24(FP)
	JGE     done
	MOVL    0(AX), CX
	CMPL    CX, Decoder_inBlock(DX)
	JNE     done
	MOVLQSX 8(AX), R9
	TESTQ   R9, R9
	JLE     done
	ADDQ    SI, R9
	LEAQ    64(R9), CX
	CMPQ    CX, (Decoder_buf+8)(DX)
	JGT     done

	MEMBERS

all:
	CMPB (R8)(SI*1), $0x7d
	JNE  done
	INCQ SI
	CMPQ SI, R9
	JNE  over
	INCQ R12
	ADDQ $12, span+8(FP)
	JMP  record

over:
	DECQ SI
done:
	VZEROUPPER
	MOVQ d+0(FP), DX
	MOVQ (Decoder_learned+template_items+8)(DX), AX
	SUBQ R11, AX
	MOVQ R12, at+32(FP)
	MOVQ AX, next+40(FP)
	MOVQ SI, place+48(FP)
	MOVQ R13, before+56(FP)
	RET

// func strideFields(d *Decoder, field, pos, to int) (next, place int)
TEXT ·strideFields(SB), NOSPLIT, $8-48
	MOVQ  d+0(FP), DX
	MOVQ  Decoder_csv(DX), DI
	MOVQ  field+8(FP), CX
	MOVQ  pos+16(FP), BX
	MOVQ  to+24(FP), R9
	MOVBQZX header_separator(DI), SI
	MOVQ  Decoder_buf(DX), R8
	MOVQ  Decoder_row(DX), R12
	MOVQ  Decoder_columns(DX), R13
	MOVQ  header_fields(DI), R10
	MOVQ  (header_fields+8)(DI), R11
	SUBQ  CX, R11
	IMULQ $headerField__size, CX
	ADDQ  CX, R10
	CONSTANTS
	MOVL  SI, AX
	TEXT_ENDS

	FIELDS

all:
done:
	VZEROUPPER
	MOVQ d+0(FP), DX
	MOVQ Decoder_csv(DX), DI
	MOVQ (header_fields+8)(DI), AX
	SUBQ R11, AX
	MOVQ AX, next+32(FP)
	MOVQ BX, place+40(FP)
	RET

// func strideLines(d *Decoder, span *batch.Span, row, rows int) (at, next, place int)
TEXT ·strideLines(SB), NOSPLIT, $8-56
	MOVQ d+0(FP), DX
	MOVQ Decoder_csv(DX), DI
	MOVQ Decoder_buf(DX), R8
	MOVQ row+16(FP), R12
	MOVQ Decoder_columns(DX), R13
	MOVBQZX header_separator(DI), SI
	CONSTANTS
	MOVL SI, AX
	TEXT_ENDS

record:
	MOVQ    d+0(FP), DX
	MOVQ    Decoder_csv(DX), DI
	MOVQ    header_fields(DI), R10
	MOVQ    (header_fields+8)(DI), R11
	MOVQ    span+8(FP), AX
	MOVLQSX 4(AX), BX
	CMPQ    R12, rows+24(FP)
	JGE     done
	MOVL    0(AX), CX
	CMPL    CX, Decoder_inBlock(DX)
	JNE     done
	MOVLQSX 8(AX), R9
	TESTQ   R9, R9
	JLE     done
	ADDQ    BX, R9
	LEAQ    64(R9), CX
	CMPQ    CX, (Decoder_buf+8)(DX)
	JGT     done
	CMPB    (R8)(BX*1), $0xef
	JEQ     done
	CMPB    -1(R8)(R9*1), $0x0a
	JNE     fed
	DECQ    R9
	CMPQ    R9, BX
	JEQ     done

fed:
	CMPB -1(R8)(R9*1), $0x0d
	JNE  fields
	DECQ R9
	CMPQ R9, BX
	JEQ  done

fields:
	FIELDS

all:
	LEAQ 1(R9), AX
	CMPQ BX, AX
	JNE  done
	INCQ R12
	ADDQ $12, span+8(FP)
	JMP  record

done:
	VZEROUPPER
	MOVQ d+0(FP), DX
	MOVQ Decoder_csv(DX), DI
	MOVQ (header_fields+8)(DI), AX
	SUBQ R11, AX
	MOVQ R12, at+32(FP)
	MOVQ AX, next+40(FP)
	MOVQ BX, place+48(FP)
	RET
