#include <cmath>

#include "vm/jit/function_emitter.hpp"
#include "vm/wasm/meaning.hpp"

/// Plain instructions on floating-point numbers, and conversions. Every NaN that is computed is
/// the canonical one; abs, neg, copysign and reinterpretations work on bits.
namespace sojourn::vm::jit {

llvm::Value* FunctionEmitter::compare_floats(Opcode opcode, llvm::Value* a, llvm::Value* b) {
    using Predicate = llvm::CmpInst::Predicate;
    const auto compare = [&](Predicate predicate) {
        return from_condition(ir_.CreateFCmp(predicate, a, b));
    };
    switch (opcode) {
        case Opcode::f32_eq:
        case Opcode::f64_eq:
            return compare(Predicate::FCMP_OEQ);
        case Opcode::f32_ne:
        case Opcode::f64_ne:
            return compare(Predicate::FCMP_UNE);
        case Opcode::f32_lt:
        case Opcode::f64_lt:
            return compare(Predicate::FCMP_OLT);
        case Opcode::f32_gt:
        case Opcode::f64_gt:
            return compare(Predicate::FCMP_OGT);
        case Opcode::f32_le:
        case Opcode::f64_le:
            return compare(Predicate::FCMP_OLE);
        case Opcode::f32_ge:
        case Opcode::f64_ge:
            return compare(Predicate::FCMP_OGE);
        default:
            return nullptr;
    }
}

llvm::Value* FunctionEmitter::floating(Opcode opcode, llvm::Value* a, llvm::Value* b) {
    const auto unary = [&](llvm::Intrinsic::ID id) { return ir_.CreateUnaryIntrinsic(id, a); };
    const auto binary = [&](llvm::Intrinsic::ID id) { return ir_.CreateBinaryIntrinsic(id, a, b); };
    switch (opcode) {
        case Opcode::f32_abs:
        case Opcode::f64_abs:
            return unary(llvm::Intrinsic::fabs);
        case Opcode::f32_neg:
        case Opcode::f64_neg:
            return ir_.CreateFNeg(a);
        case Opcode::f32_copysign:
        case Opcode::f64_copysign:
            return binary(llvm::Intrinsic::copysign);
        case Opcode::f32_ceil:
        case Opcode::f64_ceil:
            return ir_.canonical(unary(llvm::Intrinsic::ceil));
        case Opcode::f32_floor:
        case Opcode::f64_floor:
            return ir_.canonical(unary(llvm::Intrinsic::floor));
        case Opcode::f32_trunc:
        case Opcode::f64_trunc:
            return ir_.canonical(unary(llvm::Intrinsic::trunc));
        case Opcode::f32_nearest:
        case Opcode::f64_nearest:
            return ir_.canonical(unary(llvm::Intrinsic::roundeven));
        case Opcode::f32_sqrt:
        case Opcode::f64_sqrt:
            return ir_.canonical(unary(llvm::Intrinsic::sqrt));
        case Opcode::f32_add:
        case Opcode::f64_add:
            return ir_.canonical(ir_.CreateFAdd(a, b));
        case Opcode::f32_sub:
        case Opcode::f64_sub:
            return ir_.canonical(ir_.CreateFSub(a, b));
        case Opcode::f32_mul:
        case Opcode::f64_mul:
            return ir_.canonical(ir_.CreateFMul(a, b));
        case Opcode::f32_div:
        case Opcode::f64_div:
            return ir_.canonical(ir_.CreateFDiv(a, b));
        case Opcode::f32_min:
        case Opcode::f64_min:
            return ir_.canonical(binary(llvm::Intrinsic::minimum));
        case Opcode::f32_max:
        case Opcode::f64_max:
            return ir_.canonical(binary(llvm::Intrinsic::maximum));
        default:
            return nullptr;
    }
}

llvm::Value* FunctionEmitter::convert(Opcode opcode, llvm::Value* a) {
    llvm::Type* const to = ir_.type_of(*info_of(opcode).signature.result);
    switch (opcode) {
        case Opcode::i32_wrap_i64:
            return ir_.CreateTrunc(a, to);
        case Opcode::i64_extend_i32_s:
            return ir_.CreateSExt(a, to);
        case Opcode::i64_extend_i32_u:
            return ir_.CreateZExt(a, to);
        case Opcode::f32_convert_i32_s:
        case Opcode::f32_convert_i64_s:
        case Opcode::f64_convert_i32_s:
        case Opcode::f64_convert_i64_s:
            return ir_.CreateSIToFP(a, to);
        case Opcode::f32_convert_i32_u:
        case Opcode::f32_convert_i64_u:
        case Opcode::f64_convert_i32_u:
        case Opcode::f64_convert_i64_u:
            return ir_.CreateUIToFP(a, to);
        case Opcode::f32_demote_f64:
            return ir_.canonical(ir_.CreateFPTrunc(a, to));
        case Opcode::f64_promote_f32:
            return ir_.canonical(ir_.CreateFPExt(a, to));
        case Opcode::i32_reinterpret_f32:
        case Opcode::i64_reinterpret_f64:
        case Opcode::f32_reinterpret_i32:
        case Opcode::f64_reinterpret_i64:
            return ir_.CreateBitCast(a, to);
        default:
            return nullptr;
    }
}

llvm::Value* FunctionEmitter::truncate(Opcode opcode, llvm::Value* a) {
    llvm::Type* const to = ir_.type_of(*info_of(opcode).signature.result);
    const auto saturating = [&](llvm::Intrinsic::ID id) {
        return ir_.CreateIntrinsic(id, {to, a->getType()}, {a});
    };
    switch (opcode) {
        case Opcode::i32_trunc_f32_s:
        case Opcode::i32_trunc_f64_s:
        case Opcode::i64_trunc_f32_s:
        case Opcode::i64_trunc_f64_s:
            return checked_truncation(a, true, to);
        case Opcode::i32_trunc_f32_u:
        case Opcode::i32_trunc_f64_u:
        case Opcode::i64_trunc_f32_u:
        case Opcode::i64_trunc_f64_u:
            return checked_truncation(a, false, to);
        case Opcode::i32_trunc_sat_f32_s:
        case Opcode::i32_trunc_sat_f64_s:
        case Opcode::i64_trunc_sat_f32_s:
        case Opcode::i64_trunc_sat_f64_s:
            return saturating(llvm::Intrinsic::fptosi_sat);
        case Opcode::i32_trunc_sat_f32_u:
        case Opcode::i32_trunc_sat_f64_u:
        case Opcode::i64_trunc_sat_f32_u:
        case Opcode::i64_trunc_sat_f64_u:
            return saturating(llvm::Intrinsic::fptoui_sat);
        default:
            return nullptr;
    }
}

llvm::Value* FunctionEmitter::checked_truncation(llvm::Value* a, bool is_signed, llvm::Type* to) {
    llvm::Type* const from = a->getType();
    const unsigned bits = to->getIntegerBitWidth();
    trap_if(ir_.CreateFCmpUNO(a, a), Trap::invalid_conversion);
    // Without its fraction the number has to lie in [lowest, limit). Both are powers of two, or 0.
    llvm::Constant* const limit =
        llvm::ConstantFP::get(from, std::ldexp(1.0, int(bits) - is_signed));
    llvm::Constant* const lowest =
        llvm::ConstantFP::get(from, is_signed ? -std::ldexp(1.0, int(bits) - 1) : 0.0);
    llvm::Value* const whole = ir_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, a);
    trap_if(ir_.CreateOr(ir_.CreateFCmpOLT(whole, lowest), ir_.CreateFCmpOGE(whole, limit)),
            Trap::integer_overflow);
    return is_signed ? ir_.CreateFPToSI(a, to) : ir_.CreateFPToUI(a, to);
}

}  // namespace sojourn::vm::jit
