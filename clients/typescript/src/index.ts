/** Client of the ComfyUI API Service. */
export { ApiError, Client, JobFailed } from "./client.js";
export type {
  Artifact,
  Batch,
  BatchResult,
  ClientOptions,
  GenerationRequest,
  Job,
  JobError,
  JobEvent,
  JobStatus,
  OnProgress,
} from "./client.js";
export { InvalidSignature, verifyWebhook } from "./webhooks.js";
export type { WebhookMessage } from "./webhooks.js";
export { progressBar } from "./progress.js";
