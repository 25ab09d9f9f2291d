// Softgate on AWS: adapters in a bucket, the API as a function behind its URL, trainers as jobs of AWS Batch, and what
// watches them.
import { CfnOutput, Stack } from "aws-cdk-lib";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import { addApiFunction } from "./api-function.ts";
import { addMonitoring } from "./monitoring.ts";
import type { Settings } from "./settings.ts";
import { addStore } from "./store.ts";
import { addTrainer } from "./trainer.ts";

export class SoftgateStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, { description: "Softgate: per-tenant text classifiers" });
    const bucket = addStore(this);
    const database = this.#findDatabase(settings);
    const api = addApiFunction(this, { ...settings, bucket, database });
    const { trainerImage } = settings;
    const trainer =
      trainerImage === undefined || database === undefined
        ? undefined
        : addTrainer(this, { image: trainerImage, gpus: settings.trainerGpus, bucket, database });
    addMonitoring(this, { ...settings, api, trainer });
    new CfnOutput(this, "ApiUrl", { value: api.url });
    new CfnOutput(this, "StoreUrl", { value: `s3://${bucket.bucketName}` });
  }

  #findDatabase({ databaseSecretArn }: Settings): ISecret | undefined {
    if (databaseSecretArn === undefined) return undefined;
    return Secret.fromSecretCompleteArn(this, "Database", databaseSecretArn);
  }
}
