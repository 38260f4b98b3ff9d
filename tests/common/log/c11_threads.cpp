// ThreadSanitizer knows pthreads, not C11's threads of the C library, and librdkafka is built on those: its locks and
// its threads are invisible to it, and whatever passes through one of its queues looks like a race. In the tsan tree
// this unit takes the place of the C library's functions with the same over pthreads, so that they are seen. What is
// left unseen, the library's own atomics and read-write locks, is named in tests/support/tsan.supp. Because those are
// unseen, how a mutex came from the thread that made it to the one that takes it may be unseen too: the bytes of the
// library's mutexes are not looked at, what they order is.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <cstdint>
#include <memory>

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

class UnlookedBytes {
 public:
  UnlookedBytes() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~UnlookedBytes() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  UnlookedBytes(const UnlookedBytes&) = delete;
  UnlookedBytes& operator=(const UnlookedBytes&) = delete;
};

static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t) && sizeof(cnd_t) >= sizeof(pthread_cond_t));
static_assert(sizeof(once_flag) >= sizeof(pthread_once_t) && sizeof(thrd_t) >= sizeof(pthread_t));

pthread_mutex_t* native(mtx_t* mutex) {
  return reinterpret_cast<pthread_mutex_t*>(mutex);
}
pthread_cond_t* native(cnd_t* condition) {
  return reinterpret_cast<pthread_cond_t*>(condition);
}

int result_of(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case ENOMEM:
      return thrd_nomem;
    case ETIMEDOUT:
      return thrd_timedout;
    case EBUSY:
      return thrd_busy;
    default:
      return thrd_error;
  }
}

struct Start {
  thrd_start_t function;
  void* argument;
};

void* run(void* start_of_thread) {
  const std::unique_ptr<Start> start{static_cast<Start*>(start_of_thread)};
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start->function(start->argument)));
}

}  // namespace

extern "C" {

int mtx_init(mtx_t* mutex, int type) {
  const UnlookedBytes unlooked;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
  const int error = pthread_mutex_init(native(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return result_of(error);
}
int mtx_lock(mtx_t* mutex) {
  const UnlookedBytes unlooked;
  return result_of(pthread_mutex_lock(native(mutex)));
}
int mtx_unlock(mtx_t* mutex) {
  const UnlookedBytes unlooked;
  return result_of(pthread_mutex_unlock(native(mutex)));
}
void mtx_destroy(mtx_t* mutex) {
  const UnlookedBytes unlooked;
  pthread_mutex_destroy(native(mutex));
}

int cnd_init(cnd_t* condition) {
  return result_of(pthread_cond_init(native(condition), nullptr));
}
int cnd_signal(cnd_t* condition) {
  return result_of(pthread_cond_signal(native(condition)));
}
int cnd_broadcast(cnd_t* condition) {
  return result_of(pthread_cond_broadcast(native(condition)));
}
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
  const UnlookedBytes unlooked;
  return result_of(pthread_cond_wait(native(condition), native(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  const UnlookedBytes unlooked;
  return result_of(pthread_cond_timedwait(native(condition), native(mutex), until));
}
void cnd_destroy(cnd_t* condition) {
  pthread_cond_destroy(native(condition));
}

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
  auto start = std::make_unique<Start>(Start{function, argument});
  const int error = pthread_create(thread, nullptr, run, start.get());
  if (error == 0) (void)start.release();
  return result_of(error);
}
int thrd_join(thrd_t thread, int* answer) {
  void* value = nullptr;
  const int error = pthread_join(thread, &value);
  if (answer != nullptr) *answer = static_cast<int>(reinterpret_cast<std::intptr_t>(value));
  return result_of(error);
}

void call_once(once_flag* flag, void (*function)()) {
  pthread_once(reinterpret_cast<pthread_once_t*>(flag), function);
}

}  // extern "C"
