/**
 * @file stream.h
 * @brief Streams, events, graphs and captures: what CUDA's handles point to.
 */
#ifndef TERNARY_SOFTGPU_RUNTIME_STREAM_H_
#define TERNARY_SOFTGPU_RUNTIME_STREAM_H_

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "softgpu/runtime/operation.h"

namespace ternary::softgpu {

struct Capture;

/** A node of a graph. */
struct Node {
  WorkRef work;
  std::vector<size_t> needs;    ///< indexes of earlier nodes
  size_t overtakes = SIZE_MAX;  ///< of `needs`: by a programmatic edge
};

struct Graph {
  std::vector<Node> nodes;
};

/** An instantiated graph; its nodes are as they were then. */
struct GraphExec {
  int device = 0;
  std::vector<Node> nodes;
  std::vector<size_t> chains;  ///< of each node: a path through the graph is a chain
  OperationRef last;           ///< launches of one graph follow each other, whatever their streams
};

struct Stream {
  int device = 0;
  unsigned flags = 0;
  int priority = 0;
  unsigned long long id = 0;
  size_t chain = 0;
  OperationRef tail;
  Capture* capture = nullptr;  ///< in which it takes part
  std::set<size_t> frontier;   ///< of a capture: nodes that the next one needs
  bool blocking() const { return (flags & cudaStreamNonBlocking) == 0; }
};

struct Event {
  int device = 0;
  unsigned flags = 0;
  OperationRef recorded;           ///< null: never
  unsigned long long capture = 0;  ///< id of the capture in which it was recorded last, 0: none
  std::set<size_t> frontier;
};

/** A capture that goes on. */
struct Capture {
  unsigned long long id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  Stream* origin = nullptr;
  std::set<Stream*> streams;
  std::thread::id thread;
  std::unique_ptr<Graph> graph;
  bool invalidated = false;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_RUNTIME_STREAM_H_
