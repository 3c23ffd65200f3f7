#include "vm/jit/vector_code.hpp"

#include "vm/wasm/meaning.hpp"

/// An instruction's meaning decides its code: there is one function here for each template that
/// meanings are made of, and a meaning without one does not compile.
namespace sojourn::vm::jit {

namespace {

using namespace sojourn::vm::internal;
using llvm::Value;
using Id = llvm::Intrinsic::ID;

template <typename Lane>
inline constexpr int kLanes = static_cast<int>(kLaneCount<Lane>);

/// Every second number, or consecutive ones.
std::vector<int> numbers(int first, int count, int step = 1) {
    std::vector<int> all;
    for (int i = 0; i < count; ++i)
        all.push_back(first + i * step);
    return all;
}

struct VectorCode {
    Ir& ir;
    Value* a;
    Value* b;
    Value* c;
    std::uint8_t lane;

    template <typename Lane>
    llvm::Type* lane_type() {
        if constexpr (std::is_same_v<Lane, float>) return ir.getFloatTy();
        if constexpr (std::is_same_v<Lane, double>) return ir.getDoubleTy();
        return ir.getIntNTy(8 * sizeof(Lane));
    }
    template <typename Lane>
    llvm::Type* vector_type() {
        return ir.vector_of(lane_type<Lane>());
    }
    template <typename Lane>
    Value* lanes(Value* vector) {
        return ir.CreateBitCast(vector, vector_type<Lane>());
    }
    Value* packed(Value* lanes) { return ir.CreateBitCast(lanes, ir.type_of(ValueType::v128)); }
    Value* zero(Value* like) { return llvm::Constant::getNullValue(like->getType()); }
    Value* constant(Value* like, std::int64_t number) {
        return llvm::ConstantInt::getSigned(like->getType(), number);
    }
    Value* select_lanes(Value* vector, const std::vector<int>& from) {
        return ir.CreateShuffleVector(vector, from);
    }
    Value* unary(Id id, Value* value) { return ir.CreateUnaryIntrinsic(id, value); }
    Value* binary(Id id, Value* left, Value* right) {
        return ir.CreateBinaryIntrinsic(id, left, right);
    }
    /// Extended as the type of its lanes says.
    template <typename Narrow>
    Value* extend(Value* value, llvm::Type* to) {
        return std::is_signed_v<Narrow> ? ir.CreateSExt(value, to) : ir.CreateZExt(value, to);
    }
    template <typename Lane>
    Value* wider(Value* value) {
        return extend<Lane>(value, llvm::VectorType::getExtendedElementVectorType(
                                       llvm::cast<llvm::VectorType>(value->getType())));
    }

    // Lanes and bits.

    template <typename Lane>
    Value* of(const Splat<Lane>&) {
        Value* const scalar = std::is_integral_v<Lane> ? ir.CreateTrunc(a, lane_type<Lane>()) : a;
        return packed(ir.CreateVectorSplat(kLaneCount<Lane>, scalar));
    }
    template <typename Lane>
    Value* of(const ExtractLane<Lane>&) {
        Value* const scalar = ir.CreateExtractElement(lanes<Lane>(a), lane);
        if constexpr (sizeof(Lane) < 4) return extend<Lane>(scalar, ir.getInt32Ty());
        return scalar;
    }
    template <typename Lane>
    Value* of(const ReplaceLane<Lane>&) {
        Value* const scalar = std::is_integral_v<Lane> ? ir.CreateTrunc(b, lane_type<Lane>()) : b;
        return packed(ir.CreateInsertElement(lanes<Lane>(a), scalar, lane));
    }
    Value* of(const Swizzle&) {
        Value* const bytes = lanes<std::uint8_t>(a);
        Value* const from = lanes<std::uint8_t>(b);
        // In the form that LLVM knows for the processor's own instruction.
        Value* const inside = ir.CreateAnd(from, constant(from, 15));
        Value* moved = llvm::PoisonValue::get(bytes->getType());
        for (unsigned i = 0; i < kLaneCount<std::uint8_t>; ++i) {
            Value* const byte = ir.CreateExtractElement(bytes, ir.CreateExtractElement(inside, i));
            moved = ir.CreateInsertElement(moved, byte, i);
        }
        return packed(
            ir.CreateSelect(ir.CreateICmpULT(from, constant(from, 16)), moved, zero(moved)));
    }
    Value* of(const VectorNot&) { return ir.CreateNot(a); }
    Value* of(const VectorAnd&) { return ir.CreateAnd(a, b); }
    Value* of(const VectorAndNot&) { return ir.CreateAnd(a, ir.CreateNot(b)); }
    Value* of(const VectorOr&) { return ir.CreateOr(a, b); }
    Value* of(const VectorXor&) { return ir.CreateXor(a, b); }
    Value* of(const BitSelect&) {
        return ir.CreateOr(ir.CreateAnd(a, c), ir.CreateAnd(b, ir.CreateNot(c)));
    }

    // Comparisons and tests.

    Value* as_number(Value* condition) { return ir.CreateZExt(condition, ir.getInt32Ty()); }
    template <typename Lane>
    Value* compared(llvm::CmpInst::Predicate of_signed, llvm::CmpInst::Predicate of_unsigned,
                    llvm::CmpInst::Predicate of_floats) {
        const auto predicate = std::is_floating_point_v<Lane> ? of_floats
                               : std::is_signed_v<Lane>       ? of_signed
                                                              : of_unsigned;
        return ir.CreateCmp(predicate, lanes<Lane>(a), lanes<Lane>(b));
    }
    template <typename Lane>
    Value* less() {
        return compared<Lane>(llvm::CmpInst::ICMP_SLT, llvm::CmpInst::ICMP_ULT,
                              llvm::CmpInst::FCMP_OLT);
    }
    Value* as_ones(Value* conditions) {
        const auto* const type = llvm::cast<llvm::FixedVectorType>(conditions->getType());
        return packed(
            ir.CreateSExt(conditions, ir.vector_of(ir.getIntNTy(128 / type->getNumElements()))));
    }
    Value* of(const AnyTrue&) {
        Value* const whole = ir.CreateBitCast(a, ir.getInt128Ty());
        return as_number(ir.CreateICmpNE(whole, zero(whole)));
    }
    template <typename Lane>
    Value* of(const AllTrue<Lane>&) {
        Value* const value = lanes<Lane>(a);
        return as_number(ir.CreateAndReduce(ir.CreateICmpNE(value, zero(value))));
    }
    template <typename Lane>
    Value* of(const Bitmask<Lane>&) {
        Value* const value = lanes<Lane>(a);
        return as_number(
            ir.CreateBitCast(ir.CreateICmpSLT(value, zero(value)), ir.getIntNTy(kLaneCount<Lane>)));
    }
    template <typename Lane>
    Value* of(const VectorEqual<Lane>&) {
        using enum llvm::CmpInst::Predicate;
        return as_ones(compared<Lane>(ICMP_EQ, ICMP_EQ, FCMP_OEQ));
    }
    template <typename Lane>
    Value* of(const VectorNotEqual<Lane>&) {
        using enum llvm::CmpInst::Predicate;
        return as_ones(compared<Lane>(ICMP_NE, ICMP_NE, FCMP_UNE));
    }
    template <typename Lane>
    Value* of(const VectorLess<Lane>&) {
        return as_ones(less<Lane>());
    }
    template <typename Lane>
    Value* of(const VectorGreater<Lane>&) {
        using enum llvm::CmpInst::Predicate;
        return as_ones(compared<Lane>(ICMP_SGT, ICMP_UGT, FCMP_OGT));
    }
    template <typename Lane>
    Value* of(const VectorLessOrEqual<Lane>&) {
        using enum llvm::CmpInst::Predicate;
        return as_ones(compared<Lane>(ICMP_SLE, ICMP_ULE, FCMP_OLE));
    }
    template <typename Lane>
    Value* of(const VectorGreaterOrEqual<Lane>&) {
        using enum llvm::CmpInst::Predicate;
        return as_ones(compared<Lane>(ICMP_SGE, ICMP_UGE, FCMP_OGE));
    }

    // Integers.

    template <typename Lane>
    Value* of(const VectorAdd<Lane>&) {
        return packed(ir.CreateAdd(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorSubtract<Lane>&) {
        return packed(ir.CreateSub(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorMultiply<Lane>&) {
        return packed(ir.CreateMul(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorNegate<Lane>&) {
        return packed(ir.CreateNeg(lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const VectorAbsolute<Lane>&) {
        return packed(binary(llvm::Intrinsic::abs, lanes<Lane>(a), ir.getFalse()));
    }
    template <typename Lane>
    Value* shift_count() {
        Value* const count = ir.CreateAnd(b, ir.getInt32(8 * sizeof(Lane) - 1));
        return ir.CreateVectorSplat(kLaneCount<Lane>,
                                    ir.CreateZExtOrTrunc(count, lane_type<Lane>()));
    }
    template <typename Lane>
    Value* of(const VectorShiftLeft<Lane>&) {
        return packed(ir.CreateShl(lanes<Lane>(a), shift_count<Lane>()));
    }
    template <typename Lane>
    Value* of(const VectorShiftRight<Lane>&) {
        Value* const value = lanes<Lane>(a);
        return packed(std::is_signed_v<Lane> ? ir.CreateAShr(value, shift_count<Lane>())
                                             : ir.CreateLShr(value, shift_count<Lane>()));
    }
    /// What an intrinsic gives that is one of two by the sign of the lanes.
    template <typename Lane>
    Value* by_sign(Id of_signed, Id of_unsigned) {
        return packed(binary(std::is_signed_v<Lane> ? of_signed : of_unsigned, lanes<Lane>(a),
                             lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorMinimum<Lane>&) {
        return by_sign<Lane>(llvm::Intrinsic::smin, llvm::Intrinsic::umin);
    }
    template <typename Lane>
    Value* of(const VectorMaximum<Lane>&) {
        return by_sign<Lane>(llvm::Intrinsic::smax, llvm::Intrinsic::umax);
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, AddSaturating<Lane>>&) {
        return by_sign<Lane>(llvm::Intrinsic::sadd_sat, llvm::Intrinsic::uadd_sat);
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, SubtractSaturating<Lane>>&) {
        return by_sign<Lane>(llvm::Intrinsic::ssub_sat, llvm::Intrinsic::usub_sat);
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Average>&) {
        Value* const sum = ir.CreateAdd(wider<Lane>(lanes<Lane>(a)), wider<Lane>(lanes<Lane>(b)));
        Value* const half = ir.CreateLShr(ir.CreateAdd(sum, constant(sum, 1)), constant(sum, 1));
        return packed(ir.CreateTrunc(half, vector_type<Lane>()));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, BitCount>&) {
        return packed(unary(llvm::Intrinsic::ctpop, lanes<Lane>(a)));
    }
    template <typename Narrow>
    Value* saturated_to(Value* wide) {
        using Limits = std::numeric_limits<Narrow>;
        Value* const high = binary(llvm::Intrinsic::smin, wide, constant(wide, Limits::max()));
        Value* const both = binary(llvm::Intrinsic::smax, high, constant(wide, Limits::min()));
        return packed(ir.CreateTrunc(both, vector_type<Narrow>()));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, MultiplyQ15>&) {
        Value* const product =
            ir.CreateMul(wider<Lane>(lanes<Lane>(a)), wider<Lane>(lanes<Lane>(b)));
        Value* const rounded = ir.CreateAdd(product, constant(product, 0x4000));
        return saturated_to<Lane>(ir.CreateAShr(rounded, constant(product, 15)));
    }
    template <typename Wide, typename Narrow>
    Value* of(const VectorNarrow<Wide, Narrow>&) {
        return saturated_to<Narrow>(
            ir.CreateShuffleVector(lanes<Wide>(a), lanes<Wide>(b), numbers(0, 2 * kLanes<Wide>)));
    }
    template <typename Narrow, Half half>
    Value* extended_half(Value* vector) {
        const int first = static_cast<int>(first_lane<Narrow>(half));
        return wider<Narrow>(
            select_lanes(lanes<Narrow>(vector), numbers(first, kLanes<Narrow> / 2)));
    }
    template <typename Narrow, typename Wide, Half half>
    Value* of(const VectorExtend<Narrow, Wide, half>&) {
        return packed(extended_half<Narrow, half>(a));
    }
    template <typename Narrow, typename Wide, Half half>
    Value* of(const ExtendMultiply<Narrow, Wide, half>&) {
        return packed(ir.CreateMul(extended_half<Narrow, half>(a), extended_half<Narrow, half>(b)));
    }
    /// The sums of neighbours.
    Value* pair_sums(Value* value) {
        const auto* const type = llvm::cast<llvm::FixedVectorType>(value->getType());
        const int count = static_cast<int>(type->getNumElements()) / 2;
        return ir.CreateAdd(select_lanes(value, numbers(0, count, 2)),
                            select_lanes(value, numbers(1, count, 2)));
    }
    template <typename Narrow, typename Wide>
    Value* of(const ExtendAddPairs<Narrow, Wide>&) {
        return packed(pair_sums(wider<Narrow>(lanes<Narrow>(a))));
    }
    template <typename Lane>
    Value* products() {
        return ir.CreateMul(wider<Lane>(lanes<Lane>(a)), wider<Lane>(lanes<Lane>(b)));
    }
    Value* of(const DotProduct&) { return packed(pair_sums(products<std::int16_t>())); }

    // Floating-point numbers. What only moves them or changes a sign works on bits.

    template <typename Lane>
    Value* canonical(Value* numbers) {
        return packed(ir.canonical(numbers));
    }
    template <typename Lane>
    Value* of(const VectorFloatAdd<Lane>&) {
        return canonical<Lane>(ir.CreateFAdd(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorFloatSubtract<Lane>&) {
        return canonical<Lane>(ir.CreateFSub(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorFloatMultiply<Lane>&) {
        return canonical<Lane>(ir.CreateFMul(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const VectorFloatDivide<Lane>&) {
        return canonical<Lane>(ir.CreateFDiv(lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* chosen(Value* condition, Value* then, Value* otherwise) {
        using Bits = BitsOf<Lane>;
        return packed(ir.CreateSelect(condition, lanes<Bits>(then), lanes<Bits>(otherwise)));
    }
    template <typename Lane>
    Value* of(const PseudoMinimum<Lane>&) {
        Value* const is_less = ir.CreateFCmpOLT(lanes<Lane>(b), lanes<Lane>(a));
        return chosen<Lane>(is_less, b, a);
    }
    template <typename Lane>
    Value* of(const PseudoMaximum<Lane>&) {
        return chosen<Lane>(less<Lane>(), b, a);
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, FloatAbsolute<Lane>>&) {
        return packed(unary(llvm::Intrinsic::fabs, lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, FloatNegate<Lane>>&) {
        return packed(ir.CreateFNeg(lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Ceiling<Lane>>&) {
        return canonical<Lane>(unary(llvm::Intrinsic::ceil, lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Floor<Lane>>&) {
        return canonical<Lane>(unary(llvm::Intrinsic::floor, lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Truncate<Lane>>&) {
        return canonical<Lane>(unary(llvm::Intrinsic::trunc, lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Nearest<Lane>>&) {
        return canonical<Lane>(unary(llvm::Intrinsic::roundeven, lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, SquareRoot<Lane>>&) {
        return canonical<Lane>(unary(llvm::Intrinsic::sqrt, lanes<Lane>(a)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Minimum<Lane>>&) {
        return canonical<Lane>(binary(llvm::Intrinsic::minimum, lanes<Lane>(a), lanes<Lane>(b)));
    }
    template <typename Lane>
    Value* of(const EachLane<Lane, Maximum<Lane>>&) {
        return canonical<Lane>(binary(llvm::Intrinsic::maximum, lanes<Lane>(a), lanes<Lane>(b)));
    }

    // Conversions: of the low lanes where the result's are wider, with zeros behind where they are
    // narrower.

    template <typename From, typename To>
    Value* converted(const ConvertFloat<From, To>&, Value* value, llvm::Type* to) {
        return ir.canonical(ir.CreateFPCast(value, to));
    }
    template <typename From, typename To>
    Value* converted(const Convert<From, To>&, Value* value, llvm::Type* to) {
        return std::is_signed_v<From> ? ir.CreateSIToFP(value, to) : ir.CreateUIToFP(value, to);
    }
    template <typename From, typename To, typename Result>
    Value* converted(const TruncateSaturating<From, To, Result>&, Value* value, llvm::Type* to) {
        const Id id =
            std::is_signed_v<To> ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
        return ir.CreateIntrinsic(id, {to, value->getType()}, {value});
    }
    template <typename From, typename To, typename Conversion>
    Value* of(const ConvertLanes<From, To, Conversion>&) {
        constexpr int kCount = std::min(kLanes<From>, kLanes<To>);
        Value* const value = select_lanes(lanes<From>(a), numbers(0, kCount));
        llvm::Type* const to = llvm::FixedVectorType::get(lane_type<To>(), kCount);
        Value* const result = converted(Conversion{}, value, to);
        return packed(ir.CreateShuffleVector(result, zero(result), numbers(0, kLanes<To>)));
    }

    // Relaxed instructions that no other one is like.

    template <typename Lane>
    Value* of(const MultiplyAdd<Lane>&) {
        Value* const product = ir.canonical(ir.CreateFMul(lanes<Lane>(a), lanes<Lane>(b)));
        return canonical<Lane>(ir.CreateFAdd(product, lanes<Lane>(c)));
    }
    template <typename Lane>
    Value* of(const NegatedMultiplyAdd<Lane>&) {
        a = packed(ir.CreateFNeg(lanes<Lane>(a)));
        return of(MultiplyAdd<Lane>{});
    }
    Value* of(const ByteDotProduct&) {
        Value* const products = ir.CreateMul(widest(a), widest(b));
        return saturated_to<std::int16_t>(pair_sums(products));
    }
    Value* widest(Value* bytes) {
        return ir.CreateSExt(lanes<std::int8_t>(bytes),
                             llvm::FixedVectorType::get(ir.getInt32Ty(), kLanes<std::int8_t>));
    }
    Value* of(const ByteDotProductAdd&) {
        Value* const dots = lanes<std::int16_t>(of(ByteDotProduct{}));
        return packed(ir.CreateAdd(pair_sums(wider<std::int16_t>(dots)), lanes<std::int32_t>(c)));
    }
};

template <Opcode opcode>
Value* code_of(VectorCode code) {
    if constexpr (is_on_vectors(opcode)) {
        return code.of(Meaning<opcode>{});
    } else {
        return nullptr;
    }
}

constexpr std::array<Value* (*)(VectorCode), kOpcodeCount> kVectorCodes{
#define OPCODE(name, ...) code_of<Opcode::name>,
#include "vm/wasm/opcodes.def"
#undef OPCODE
};

}  // namespace

llvm::Value* vector_code(Ir& ir, Opcode opcode, llvm::ArrayRef<llvm::Value*> operands,
                         std::uint8_t lane) {
    EXPECTS(is_on_vectors(opcode), "instructions on vectors have code");
    const auto operand = [&](std::size_t i) { return i < operands.size() ? operands[i] : nullptr; };
    return kVectorCodes[static_cast<std::size_t>(opcode)](
        {ir, operand(0), operand(1), operand(2), lane});
}

llvm::Value* shuffle_code(Ir& ir, llvm::Value* left, llvm::Value* right, V128 lanes) {
    llvm::Type* const bytes = ir.vector_of(ir.getInt8Ty());
    const auto from = lanes_of<std::uint8_t>(lanes);
    llvm::Value* const shuffled =
        ir.CreateShuffleVector(ir.CreateBitCast(left, bytes), ir.CreateBitCast(right, bytes),
                               llvm::SmallVector<int>(from.begin(), from.end()));
    return ir.CreateBitCast(shuffled, left->getType());
}

}  // namespace sojourn::vm::jit
