// Which operation each route of app.ts is. A route without a line here fails app's test, and so does a line without
// a route.
import { aboutOperation } from "../routes/about.ts";
import { exportVersionOperation } from "../routes/adapters/export-version.ts";
import { getReportOperation } from "../routes/adapters/get-report.ts";
import { getRetentionOperation } from "../routes/adapters/get-retention.ts";
import { getVersionOperation } from "../routes/adapters/get-version.ts";
import { importVersionOperation } from "../routes/adapters/import-version.ts";
import { listAdaptersOperation } from "../routes/adapters/list.ts";
import { listVersionsOperation } from "../routes/adapters/list-versions.ts";
import { removeAdapterOperation } from "../routes/adapters/remove.ts";
import { removeVersionOperation } from "../routes/adapters/remove-version.ts";
import { restoreAdapterOperation } from "../routes/adapters/restore.ts";
import { restoreVersionOperation } from "../routes/adapters/restore-version.ts";
import { setRetentionOperation } from "../routes/adapters/set-retention.ts";
import { getAliasOperation } from "../routes/aliases/get.ts";
import { listHistoryOperation } from "../routes/aliases/history.ts";
import { listAliasesOperation } from "../routes/aliases/list.ts";
import { protectAliasOperation } from "../routes/aliases/protect.ts";
import { rollbackAliasOperation } from "../routes/aliases/rollback.ts";
import { setAliasOperation } from "../routes/aliases/set.ts";
import { listAuditOperation } from "../routes/audit/list.ts";
import { classifyOperation } from "../routes/classify/classify.ts";
import { beginUploadOperation } from "../routes/datasets/begin-upload.ts";
import { completeUploadOperation } from "../routes/datasets/complete-upload.ts";
import { listDatasetsOperation } from "../routes/datasets/list.ts";
import { uploadDatasetOperation } from "../routes/datasets/upload.ts";
import { docsOperation, docsScriptOperation } from "../routes/docs/docs.ts";
import { openapiOperation } from "../routes/docs/openapi.ts";
import { classifyForHuggingFaceOperation } from "../routes/drop-ins/hugging-face.ts";
import { createFineTuningJobOperation } from "../routes/drop-ins/openai/create-job.ts";
import { createFileOperation, getFileOperation } from "../routes/drop-ins/openai/files.ts";
import {
  cancelFineTuningJobOperation,
  getFineTuningJobOperation,
  listFineTuningJobsOperation,
  listJobEventsOperation,
} from "../routes/drop-ins/openai/jobs.ts";
import {
  deleteModelOperation,
  getModelOperation,
  listModelsOperation,
} from "../routes/drop-ins/openai/models.ts";
import { predictOperation } from "../routes/drop-ins/predict.ts";
import { getErrorOperation } from "../routes/errors/get.ts";
import { createFeedbackOperation } from "../routes/feedback/create.ts";
import { listFeedbackOperation } from "../routes/feedback/list.ts";
import { removeFeedbackOperation } from "../routes/feedback/remove.ts";
import { retrainOperation } from "../routes/feedback/retrain.ts";
import { liveOperation } from "../routes/health/live.ts";
import { readyOperation } from "../routes/health/ready.ts";
import { cancelJobOperation } from "../routes/jobs/cancel.ts";
import { createJobOperation } from "../routes/jobs/create.ts";
import { jobEventsOperation } from "../routes/jobs/events.ts";
import { getJobOperation } from "../routes/jobs/get.ts";
import { listJobsOperation } from "../routes/jobs/list.ts";
import { retryJobOperation } from "../routes/jobs/retry.ts";
import { createKeyOperation } from "../routes/keys/create.ts";
import { listKeysOperation } from "../routes/keys/list.ts";
import { revokeKeyOperation } from "../routes/keys/revoke.ts";
import { rotateKeyOperation } from "../routes/keys/rotate.ts";
import { getShadowOperation } from "../routes/shadow/get.ts";
import { setShadowOperation } from "../routes/shadow/set.ts";
import { getUsageOperation } from "../routes/usage/get.ts";
import { createWebhookOperation } from "../routes/webhooks/create.ts";
import { listWebhooksOperation } from "../routes/webhooks/list.ts";
import { removeWebhookOperation } from "../routes/webhooks/remove.ts";
import type { Operation } from "./operation.ts";

/** By method and path as app.ts has them, in its order. */
export const operations: Readonly<Record<string, Operation>> = {
  "GET /": aboutOperation,
  "GET /openapi.json": openapiOperation,
  "GET /docs": docsOperation,
  "GET /docs/scalar.js": docsScriptOperation,
  "GET /errors/:code": getErrorOperation,
  "GET /livez": liveOperation,
  "GET /readyz": readyOperation,
  "GET /v1/datasets": listDatasetsOperation,
  "POST /v1/datasets": uploadDatasetOperation,
  "POST /v1/datasets/uploads": beginUploadOperation,
  "POST /v1/datasets/:id/complete": completeUploadOperation,
  "POST /v1/adapters": createJobOperation,
  "GET /v1/jobs": listJobsOperation,
  "GET /v1/jobs/:id": getJobOperation,
  "GET /v1/jobs/:id/events": jobEventsOperation,
  "POST /v1/jobs/:id/cancel": cancelJobOperation,
  "POST /v1/jobs/:id/retry": retryJobOperation,
  "GET /v1/adapters": listAdaptersOperation,
  "GET /v1/adapters/:name/versions": listVersionsOperation,
  "GET /v1/adapters/:name/versions/:version": getVersionOperation,
  "GET /v1/adapters/:name/versions/:version/report": getReportOperation,
  "GET /v1/adapters/:name/versions/:version/export": exportVersionOperation,
  "POST /v1/adapters/:name/import": importVersionOperation,
  "DELETE /v1/adapters/:name": removeAdapterOperation,
  "POST /v1/adapters/:name/restore": restoreAdapterOperation,
  "DELETE /v1/adapters/:name/versions/:version": removeVersionOperation,
  "POST /v1/adapters/:name/versions/:version/restore": restoreVersionOperation,
  "GET /v1/adapters/:name/retention": getRetentionOperation,
  "PUT /v1/adapters/:name/retention": setRetentionOperation,
  "GET /v1/adapters/:name/history": listHistoryOperation,
  "GET /v1/adapters/:name/aliases": listAliasesOperation,
  "GET /v1/adapters/:name/aliases/:alias": getAliasOperation,
  "PUT /v1/adapters/:name/aliases/:alias": setAliasOperation,
  "POST /v1/adapters/:name/aliases/:alias/rollback": rollbackAliasOperation,
  "PUT /v1/adapters/:name/aliases/:alias/protection": protectAliasOperation,
  "GET /v1/adapters/:name/feedback": listFeedbackOperation,
  "POST /v1/adapters/:name/feedback": createFeedbackOperation,
  "DELETE /v1/adapters/:name/feedback/:id": removeFeedbackOperation,
  "POST /v1/adapters/:name/retrain": retrainOperation,
  "GET /v1/adapters/:name/shadow": getShadowOperation,
  "PUT /v1/adapters/:name/shadow": setShadowOperation,
  "GET /v1/webhooks": listWebhooksOperation,
  "POST /v1/webhooks": createWebhookOperation,
  "DELETE /v1/webhooks/:id": removeWebhookOperation,
  "GET /v1/usage": getUsageOperation,
  "GET /v1/audit": listAuditOperation,
  "GET /v1/keys": listKeysOperation,
  "POST /v1/keys": createKeyOperation,
  "POST /v1/keys/:id/rotate": rotateKeyOperation,
  "DELETE /v1/keys/:id": revokeKeyOperation,
  "POST /v1/classify": classifyOperation,
  "POST /models/:adapterId": classifyForHuggingFaceOperation,
  "POST /predict": predictOperation,
  "POST /openai/v1/files": createFileOperation,
  "GET /openai/v1/files/:id": getFileOperation,
  "POST /openai/v1/fine_tuning/jobs": createFineTuningJobOperation,
  "GET /openai/v1/fine_tuning/jobs": listFineTuningJobsOperation,
  "GET /openai/v1/fine_tuning/jobs/:id": getFineTuningJobOperation,
  "GET /openai/v1/fine_tuning/jobs/:id/events": listJobEventsOperation,
  "POST /openai/v1/fine_tuning/jobs/:id/cancel": cancelFineTuningJobOperation,
  "GET /openai/v1/models": listModelsOperation,
  "GET /openai/v1/models/:id": getModelOperation,
  "DELETE /openai/v1/models/:id": deleteModelOperation,
};
