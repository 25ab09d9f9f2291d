// The CDK app: cdk deploy reads what it writes. Settings come from the context, -c NAME=VALUE; docs/how-to/aws.md has them.
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { readSettings } from "./settings.ts";
import { SoftgateStack } from "./softgate-stack.ts";

const app = new App();
const settings = readSettings((name) => app.node.tryGetContext(name));
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
new SoftgateStack(app, settings.stackName, settings);
