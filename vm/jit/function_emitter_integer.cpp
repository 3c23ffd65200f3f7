#include "vm/jit/function_emitter.hpp"
#include "vm/wasm/meaning.hpp"

/// Plain instructions on integers.
namespace sojourn::vm::jit {

void FunctionEmitter::plain(Opcode opcode) {
    const Signature& signature = info_of(opcode).signature;
    llvm::Value* const b = signature.operand_count == 2 ? pop() : nullptr;
    llvm::Value* const a = pop();
    llvm::Value* result = compare_integers(opcode, a, b);
    if (result == nullptr) result = integer(opcode, a, b);
    if (result == nullptr) result = divide(opcode, a, b);
    if (result == nullptr) result = compare_floats(opcode, a, b);
    if (result == nullptr) result = floating(opcode, a, b);
    if (result == nullptr) result = convert(opcode, a);
    if (result == nullptr) result = truncate(opcode, a);
    INVARIANT(result != nullptr, "every plain instruction has code");
    push(*signature.result, result);
}

llvm::Value* FunctionEmitter::compare_integers(Opcode opcode, llvm::Value* a, llvm::Value* b) {
    using Predicate = llvm::CmpInst::Predicate;
    const auto compare = [&](Predicate predicate) {
        return from_condition(ir_.CreateICmp(predicate, a, b));
    };
    switch (opcode) {
        case Opcode::i32_eqz:
        case Opcode::i64_eqz:
            return from_condition(ir_.CreateICmpEQ(a, llvm::Constant::getNullValue(a->getType())));
        case Opcode::i32_eq:
        case Opcode::i64_eq:
            return compare(Predicate::ICMP_EQ);
        case Opcode::i32_ne:
        case Opcode::i64_ne:
            return compare(Predicate::ICMP_NE);
        case Opcode::i32_lt_s:
        case Opcode::i64_lt_s:
            return compare(Predicate::ICMP_SLT);
        case Opcode::i32_lt_u:
        case Opcode::i64_lt_u:
            return compare(Predicate::ICMP_ULT);
        case Opcode::i32_gt_s:
        case Opcode::i64_gt_s:
            return compare(Predicate::ICMP_SGT);
        case Opcode::i32_gt_u:
        case Opcode::i64_gt_u:
            return compare(Predicate::ICMP_UGT);
        case Opcode::i32_le_s:
        case Opcode::i64_le_s:
            return compare(Predicate::ICMP_SLE);
        case Opcode::i32_le_u:
        case Opcode::i64_le_u:
            return compare(Predicate::ICMP_ULE);
        case Opcode::i32_ge_s:
        case Opcode::i64_ge_s:
            return compare(Predicate::ICMP_SGE);
        case Opcode::i32_ge_u:
        case Opcode::i64_ge_u:
            return compare(Predicate::ICMP_UGE);
        default:
            return nullptr;
    }
}

llvm::Value* FunctionEmitter::integer(Opcode opcode, llvm::Value* a, llvm::Value* b) {
    llvm::Type* const type = a->getType();
    const auto count = [&] {
        const std::uint64_t mask = type->getPrimitiveSizeInBits() - 1;
        return ir_.CreateAnd(b, llvm::ConstantInt::get(type, mask));
    };
    const auto extend = [&](unsigned bits) {
        return ir_.CreateSExt(ir_.CreateTrunc(a, ir_.getIntNTy(bits)), type);
    };
    switch (opcode) {
        case Opcode::i32_clz:
        case Opcode::i64_clz:
            return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, a, ir_.getFalse());
        case Opcode::i32_ctz:
        case Opcode::i64_ctz:
            return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, a, ir_.getFalse());
        case Opcode::i32_popcnt:
        case Opcode::i64_popcnt:
            return ir_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, a);
        case Opcode::i32_add:
        case Opcode::i64_add:
            return ir_.CreateAdd(a, b);
        case Opcode::i32_sub:
        case Opcode::i64_sub:
            return ir_.CreateSub(a, b);
        case Opcode::i32_mul:
        case Opcode::i64_mul:
            return ir_.CreateMul(a, b);
        case Opcode::i32_and:
        case Opcode::i64_and:
            return ir_.CreateAnd(a, b);
        case Opcode::i32_or:
        case Opcode::i64_or:
            return ir_.CreateOr(a, b);
        case Opcode::i32_xor:
        case Opcode::i64_xor:
            return ir_.CreateXor(a, b);
        case Opcode::i32_shl:
        case Opcode::i64_shl:
            return ir_.CreateShl(a, count());
        case Opcode::i32_shr_s:
        case Opcode::i64_shr_s:
            return ir_.CreateAShr(a, count());
        case Opcode::i32_shr_u:
        case Opcode::i64_shr_u:
            return ir_.CreateLShr(a, count());
        case Opcode::i32_rotl:
        case Opcode::i64_rotl:
            return ir_.CreateIntrinsic(llvm::Intrinsic::fshl, {type}, {a, a, b});
        case Opcode::i32_rotr:
        case Opcode::i64_rotr:
            return ir_.CreateIntrinsic(llvm::Intrinsic::fshr, {type}, {a, a, b});
        case Opcode::i32_extend8_s:
        case Opcode::i64_extend8_s:
            return extend(8);
        case Opcode::i32_extend16_s:
        case Opcode::i64_extend16_s:
            return extend(16);
        case Opcode::i64_extend32_s:
            return extend(32);
        default:
            return nullptr;
    }
}

llvm::Value* FunctionEmitter::divide(Opcode opcode, llvm::Value* a, llvm::Value* b) {
    llvm::Type* const type = a->getType();
    const auto check_divisor = [&] {
        trap_if(ir_.CreateICmpEQ(b, llvm::Constant::getNullValue(type)), Trap::divide_by_zero);
    };
    llvm::Constant* const minus_one = llvm::Constant::getAllOnesValue(type);
    switch (opcode) {
        case Opcode::i32_div_s:
        case Opcode::i64_div_s: {
            check_divisor();
            const unsigned bits = type->getIntegerBitWidth();
            llvm::Constant* const lowest =
                llvm::ConstantInt::get(type, llvm::APInt::getSignedMinValue(bits));
            trap_if(ir_.CreateAnd(ir_.CreateICmpEQ(a, lowest), ir_.CreateICmpEQ(b, minus_one)),
                    Trap::integer_overflow);
            return ir_.CreateSDiv(a, b);
        }
        case Opcode::i32_div_u:
        case Opcode::i64_div_u:
            check_divisor();
            return ir_.CreateUDiv(a, b);
        case Opcode::i32_rem_s:
        case Opcode::i64_rem_s: {
            check_divisor();
            // The processor would trap on the smallest number; of 1 the remainder is the same.
            llvm::Value* const is_minus_one = ir_.CreateICmpEQ(b, minus_one);
            return ir_.CreateSRem(
                a, ir_.CreateSelect(is_minus_one, llvm::ConstantInt::get(type, 1), b));
        }
        case Opcode::i32_rem_u:
        case Opcode::i64_rem_u:
            check_divisor();
            return ir_.CreateURem(a, b);
        default:
            return nullptr;
    }
}

}  // namespace sojourn::vm::jit
