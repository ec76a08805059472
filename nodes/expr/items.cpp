#include "expr/items.h"

#include <algorithm>
#include <optional>

namespace loom::formula {
namespace {

using Kind = Operation::Kind;

class ItemMaker {
 public:
  explicit ItemMaker(const PlanRequest& request) : request_(request) {}

  std::vector<Item> make() {
    for (Id id = 0; id < request_.list.size(); ++id) add(request_.list[id]);
    std::vector<Id> roots;
    for (const Id id : request_.results) roots.push_back(id == kNone ? kNone : root_[static_cast<std::size_t>(id)]);
    for (std::size_t k = 0; k < roots.size(); ++k) write(roots, k);
    count_uses();
    for (std::size_t i = items_.size(); i-- > 0;) fuse(items_[i]);
    mark_needed();
    for (Item& item : items_) set_level(item);
    return std::move(items_);
  }

 private:
  Item& item(Id id) { return items_[static_cast<std::size_t>(id)]; }

  void add(const Operation& operation) {
    if (operation.kind == Kind::reshape || operation.kind == Kind::stop) {
      root_.push_back(root_[static_cast<std::size_t>(operation.operands[0])]);
      return;
    }
    Item next;
    next.operation = operation;
    for (std::size_t i = 0; i < 3; ++i) {
      Id& operand = next.operation.operands[i];
      if (operand == kNone) continue;
      next.as[i] = request_.list.shape(operand);
      operand = root_[static_cast<std::size_t>(operand)];
    }
    if (next.is_scan() && !item(next.operation.operands[0]).is_element())  // it reads memory, and none of integers
      next.operation.operands[0] = add_copy(next.operation.operands[0], next.as[0]);
    items_.push_back(next);
    root_.push_back(static_cast<Id>(items_.size()) - 1);
  }

  Id add_copy(Id of, const Shape& shape) {
    Item copy;
    copy.operation.kind = Kind::element;
    copy.operation.operands[0] = of;
    copy.operation.shape = copy.as[0] = shape;
    items_.push_back(copy);
    return static_cast<Id>(items_.size()) - 1;
  }

  // A value that nothing else needs is computed where the target lies.
  void write(const std::vector<Id>& roots, std::size_t k) {
    const Id id = roots[k];
    if (id == kNone) return;
    const auto reads = [&](const Item& other) {
      return std::ranges::find(other.operation.operands, id) != other.operation.operands.end();
    };
    const bool alone =
        item(id).is_element() && std::ranges::count(roots, id) == 1 && std::ranges::none_of(items_, reads);
    const Shape shape = request_.list.shape(request_.results[k]);
    item(alone ? id : add_copy(id, shape)).target = static_cast<int>(k);
  }

  void count_uses() {
    for (const Item& one : items_) {
      for (const Id operand : one.operation.operands) {
        if (operand != kNone) ++item(operand).uses;
      }
    }
  }

  // The operand, if it is an operation of that kind whose value is needed here only.
  Item* sole(Id id, BlockOp op, const Item& user) {
    Item& one = item(id);
    const bool good = one.is_element() && one.operation.op == op && one.uses == 1 && one.target < 0 && !one.is_fused &&
                      one.operation.shape == user.operation.shape;
    return good ? &one : nullptr;
  }

  // a b + c, a b - c, c - a b and p a + c as one step.
  void fuse(Item& sum) {
    Operation& operation = sum.operation;
    const bool adds = operation.op == BlockOp::add, subtracts = operation.op == BlockOp::subtract;
    if (!sum.is_element() || sum.is_fused || (!adds && !subtracts)) return;
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      const Id other = operation.operands[1 - i];
      const Shape as = sum.as[1 - i];
      if (Item* product = sole(operation.operands[i], BlockOp::multiply, sum)) {
        product->is_fused = true;
        operation.op = adds     ? BlockOp::multiply_add
                       : i == 0 ? BlockOp::multiply_subtract
                                : BlockOp::negative_multiply_add;
        operation.operands = {product->operation.operands[0], product->operation.operands[1], other};
        sum.as = {product->as[0], product->as[1], as};
        return;
      }
    }
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      if (Item* scaled = sole(operation.operands[i], BlockOp::affine, sum); scaled != nullptr) {
        if (join_scaled(sum, *scaled, i)) return;
      }
    }
  }

  // (p x + q) + y, y - (p x + q) and (x + q) - y as p a + b + q.
  static bool join_scaled(Item& sum, Item& scaled, std::size_t place) {
    Operation& operation = sum.operation;
    const Operation& inner = scaled.operation;
    const bool subtracts = operation.op == BlockOp::subtract, is_left = place == 0;
    const Id other = operation.operands[1 - place];
    const Shape as = sum.as[1 - place];
    if (subtracts && is_left && inner.p != 1) return false;
    if (subtracts && is_left) {
      operation.operands = {other, inner.operands[0], kNone};
      sum.as = {as, scaled.as[0], Shape()};
      operation.p = -1;
      operation.q = inner.q;
    } else {
      operation.operands = {inner.operands[0], other, kNone};
      sum.as = {scaled.as[0], as, Shape()};
      operation.p = subtracts ? -inner.p : inner.p;
      operation.q = subtracts ? -inner.q : inner.q;
    }
    operation.op = BlockOp::scaled_add;
    scaled.is_fused = true;
    return true;
  }

  void mark_needed() {
    for (std::size_t i = items_.size(); i-- > 0;) {
      Item& one = items_[i];
      if (one.target >= 0) one.needed_for |= Needed{1} << one.target;
      if (one.is_fused) continue;
      for (const Id operand : one.operation.operands) {
        if (operand != kNone) item(operand).needed_for |= one.needed_for;
      }
    }
  }

  void set_level(Item& one) {
    for (const Id operand : one.operation.operands) {
      if (operand != kNone) one.level = std::max(one.level, item(operand).level);
    }
    if (one.is_reduction() || one.is_scan()) ++one.level;
  }

  const PlanRequest& request_;
  std::vector<Item> items_;
  std::vector<Id> root_;  // of each operation, the item that holds its values
};

}  // namespace

std::vector<Item> make_items(const PlanRequest& request) { return ItemMaker(request).make(); }

}  // namespace loom::formula
