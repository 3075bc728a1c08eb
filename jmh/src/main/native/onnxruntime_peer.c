/**
 * @file onnxruntime_peer.c
 * @brief ONNX Runtime's product with weights of two bits as a peer of `bench`: a worked adapter. No build of ours links
 * it. All that it needs is in Python's package registry; the commands are in jmh/doc/performance.md.
 *
 * The matrix becomes a model of one node, com.microsoft's MatMulNBits with two bits. At accuracy level 4 the library
 * quantises X to int8, each row in blocks of 128, and takes the kernel of the best instruction set that the CPU has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ternary_peer.h"

enum { kBlock = 128, kFloat = 1, kUint8 = 2 };

/** The wheel has no header. This is what is used of its table of functions, to which releases only append. */
typedef void Status, Handle;
typedef struct {
  const void* from_0[2];
  const char* (*GetErrorMessage)(const Status*);
  Status* (*CreateEnv)(int log_level, const char* name, Handle** env);
  const void* from_4[4];
  Status* (*CreateSessionFromArray)(Handle* env, const void* model, size_t bytes, Handle* options, Handle** session);
  Status* (*Run)(Handle* session, Handle* options, const char* const* input_names, Handle* const* inputs, size_t,
                 const char* const* output_names, size_t, Handle** outputs);
  Status* (*CreateSessionOptions)(Handle** options);
  const void* from_11[13];
  Status* (*SetIntraOpNumThreads)(Handle* options, int threads);
  const void* from_25[24];
  Status* (*CreateTensorWithDataAsOrtValue)(Handle* memory, void* data, size_t bytes, const int64_t* shape, size_t,
                                            int type, Handle** value);
  const void* from_50[19];
  Status* (*CreateCpuMemoryInfo)(int allocator, int type, Handle** memory);
  const void* from_70[22];
  void (*ReleaseEnv)(Handle*);
  void (*ReleaseStatus)(Status*);
  void (*ReleaseMemoryInfo)(Handle*);
  void (*ReleaseSession)(Handle*);
  void (*ReleaseValue)(Handle*);
  const void* from_97[3];
  void (*ReleaseSessionOptions)(Handle*);
  const void* from_101[29];
  Status* (*AddSessionConfigEntry)(Handle* options, const char* key, const char* value);
} Api;
enum { kApiVersion = 5 };
const struct {
  const Api* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)(void);
}* OrtGetApiBase(void);

typedef struct {
  Handle *env, *options, *session, *memory;
  int64_t n, k;
} Product;

static const Api* api;
static _Thread_local char problem[256] = "nothing has failed";

static int failed(Status* status) {
  if (status == NULL) return 0;
  snprintf(problem, sizeof problem, "%s", api->GetErrorMessage(status));
  api->ReleaseStatus(status);
  return 1;
}

/** A message of Protobuf: a string of fields, of which one may be a message. The numbers are those of onnx.proto. */
typedef struct {
  uint8_t* bytes;
  size_t length;
} Message;

static uint8_t* grow(Message* message, size_t more) {
  uint8_t* bytes = realloc(message->bytes, message->length + more);
  if (bytes == NULL) abort();  // which is a reason in the table
  message->bytes = bytes;
  message->length += more;
  return bytes + message->length - more;
}

static void put_number(Message* message, uint64_t value) {
  for (; value > 127; value >>= 7) *grow(message, 1) = (uint8_t)(value | 128);
  *grow(message, 1) = (uint8_t)value;
}

static void put_int(Message* message, unsigned field, int64_t value) {
  put_number(message, field << 3);
  put_number(message, (uint64_t)value);
}

static void put_bytes(Message* message, unsigned field, const void* bytes, size_t length) {
  put_number(message, field << 3 | 2);
  put_number(message, length);
  memcpy(grow(message, length), bytes, length);
}

static void put_text(Message* message, unsigned field, const char* text) {
  put_bytes(message, field, text, strlen(text));
}

static void put_part(Message* message, unsigned field, Message part) {
  put_bytes(message, field, part.bytes, part.length);
  free(part.bytes);
}

static void put_attribute(Message* node, const char* name, int64_t value) {
  Message attribute = {0};
  put_text(&attribute, 1, name);
  put_int(&attribute, 3, value);
  put_int(&attribute, 20, 2);  // a whole number
  put_part(node, 5, attribute);
}

static void put_constant(Message* graph, const char* name, int type, const int64_t* shape, int dimensions,
                         const void* data, size_t bytes) {
  Message tensor = {0};
  for (int i = 0; i < dimensions; ++i) put_int(&tensor, 1, shape[i]);
  put_int(&tensor, 2, type);
  put_text(&tensor, 8, name);
  put_bytes(&tensor, 9, data, bytes);
  put_part(graph, 5, tensor);
}

/** X or Y: floats, of a shape that stays open. */
static void put_matrix(Message* graph, unsigned field, const char* name) {
  Message tensor = {0}, type = {0}, matrix = {0};
  put_int(&tensor, 1, kFloat);
  put_part(&type, 1, tensor);
  put_text(&matrix, 1, name);
  put_part(&matrix, 2, type);
  put_part(graph, field, matrix);
}

/** Weights -1, 0, +1 as codes 1, 2, 3, four a byte, the first one lowest: code 2 is zero. A scale for each block. */
static void put_weights(Message* graph, const int8_t* w, int64_t n, int64_t k, float alpha) {
  const int64_t blocks = k / kBlock;
  const size_t code_bytes = (size_t)(n * k / 4), scale_bytes = (size_t)(n * blocks) * sizeof(float);
  uint8_t* codes = calloc(1, code_bytes);
  float* scales = malloc(scale_bytes);
  if (codes == NULL || scales == NULL) abort();
  for (int64_t i = 0; i < n * k; ++i) codes[i / 4] |= (uint8_t)((w[i] + 2) << (i % 4 * 2));
  for (int64_t i = 0; i < n * blocks; ++i) scales[i] = alpha;
  put_constant(graph, "W", kUint8, (int64_t[]){n, blocks, kBlock / 4}, 3, codes, code_bytes);
  put_constant(graph, "scales", kFloat, (int64_t[]){n, blocks}, 2, scales, scale_bytes);
  free(codes);
  free(scales);
}

static Message model_of(const int8_t* w, int64_t n, int64_t k, float alpha) {
  Message node = {0}, graph = {0}, domain = {0}, model = {0};
  put_text(&node, 1, "X");
  put_text(&node, 1, "W");
  put_text(&node, 1, "scales");
  put_text(&node, 2, "Y");
  put_text(&node, 4, "MatMulNBits");
  put_text(&node, 7, "com.microsoft");
  put_attribute(&node, "K", k);
  put_attribute(&node, "N", n);
  put_attribute(&node, "bits", 2);
  put_attribute(&node, "block_size", kBlock);
  put_attribute(&node, "accuracy_level", 4);
  put_part(&graph, 1, node);
  put_text(&graph, 2, "ternary");
  put_weights(&graph, w, n, k, alpha);
  put_matrix(&graph, 11, "X");
  put_matrix(&graph, 12, "Y");
  put_text(&domain, 1, "com.microsoft");
  put_int(&domain, 2, 1);
  put_int(&model, 1, 10);
  put_part(&model, 7, graph);
  put_part(&model, 8, domain);
  return model;
}

const char* ternary_peer_error(void) { return problem; }

const char* ternary_peer_description(void) {
  static char text[128];
  snprintf(text, sizeof text, "ONNX Runtime %s, MatMulNBits, 2 bits, accuracy level 4, blocks of %d",
           OrtGetApiBase()->GetVersionString(), kBlock);
  return text;
}

void ternary_peer_free(void* peer) {
  Product* product = peer;
  if (product->session != NULL) api->ReleaseSession(product->session);
  if (product->options != NULL) api->ReleaseSessionOptions(product->options);
  if (product->memory != NULL) api->ReleaseMemoryInfo(product->memory);
  if (product->env != NULL) api->ReleaseEnv(product->env);
  free(product);
}

/** Idle threads of the library look for work for up to a second, but with this entry only until a run ends. */
static int set_options(Handle* options, int32_t threads) {
  return failed(api->SetIntraOpNumThreads(options, threads)) ||
         failed(api->AddSessionConfigEntry(options, "session.force_spinning_stop", "1"));
}

void* ternary_peer_create(const int8_t* w, int64_t n, int64_t k, float alpha, int32_t threads) {
  api = OrtGetApiBase()->GetApi(kApiVersion);
  if (k % kBlock != 0) {
    snprintf(problem, sizeof problem, "K is %lld, must be a multiple of %d", (long long)k, kBlock);
    return NULL;
  }
  Product* product = calloc(1, sizeof *product);
  if (product == NULL) abort();
  product->n = n;
  product->k = k;
  Message model = model_of(w, n, k, alpha);
  const int bad =
      failed(api->CreateEnv(3, "ternary", &product->env)) || failed(api->CreateCpuMemoryInfo(1, 0, &product->memory)) ||
      failed(api->CreateSessionOptions(&product->options)) || set_options(product->options, threads) ||
      failed(api->CreateSessionFromArray(product->env, model.bytes, model.length, product->options, &product->session));
  free(model.bytes);
  if (!bad) return product;
  ternary_peer_free(product);
  return NULL;
}

/** `data` as the library's matrix. */
static int failed_matrix(const Product* product, float* data, int64_t rows, int64_t columns, Handle** value) {
  return failed(api->CreateTensorWithDataAsOrtValue(product->memory, data, (size_t)(rows * columns) * sizeof *data,
                                                    (int64_t[]){rows, columns}, 2, kFloat, value));
}

int32_t ternary_peer_run(void* peer, const float* x, int64_t m, float* y) {
  Product* product = peer;
  Handle *in = NULL, *out = NULL;
  const int bad = failed_matrix(product, (float*)x, m, product->k, &in) ||
                  failed_matrix(product, y, m, product->n, &out) ||
                  failed(api->Run(product->session, NULL, (const char*[]){"X"}, &in, 1, (const char*[]){"Y"}, 1, &out));
  if (in != NULL) api->ReleaseValue(in);
  if (out != NULL) api->ReleaseValue(out);
  return bad;
}
